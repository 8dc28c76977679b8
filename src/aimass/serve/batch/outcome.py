"""What became of a call, and how those who asked are told: each its own rows, or what went wrong with them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from aimass.engines.base import Tensors
from aimass.serve.batch.base import Ask, Counting, Late
from aimass.serve.batch.groups import Groups, asked

log = logging.getLogger("aimass.serve")


class Outcome(NamedTuple):
    """Of a call: who asked, by form; what the model said to their rows, in that order; and who could not be read.

    TOOK: how many rows, and when it began, had its tensors, and ended; where it ended well.
    """

    groups: Groups
    found: Tensors | Exception
    refused: list[tuple[Ask, Exception]]
    took: tuple[int, float, float, float] | None = None


def due(asks: Sequence[Ask], now: float, counts: Counting, seconds: float = 0.0) -> list[Ask]:
    """ASKS without those whose callers have gone, or whose deadline passes within SECONDS."""
    found = []
    for ask in asks:
        if ask.deadline and now + seconds > ask.deadline:
            failed(ask, Late("the deadline passed while the request waited"))
        elif ask.exchange.gone:
            counts.gone()
        else:
            found.append(ask)
    return found


def told(outcome: Outcome) -> list[Sequence[Ask]]:
    """Answer all, or refuse the only one; else the halves in which to try again."""
    for ask, error in outcome.refused:
        failed(ask, error)
    if not isinstance(outcome.found, Exception):
        answered(outcome.groups, outcome.found)
        return []
    asks = asked(outcome.groups)
    if len(asks) == 1:
        failed(asks[0], outcome.found)
        return []
    middle = len(asks) // 2
    return [asks[middle:], asks[:middle]]


def answered(groups: Groups, outputs: Tensors) -> None:
    """Every form answers its own."""
    at = 0
    for form, asks in groups:
        rows = sum(ask.rows for ask in asks)
        part = outputs if len(groups) == 1 else {name: array[at : at + rows] for name, array in outputs.items()}
        at += rows
        try:
            form.answer(asks, part)
        except Exception as error:  # each is told, and it is logged there
            for ask in asks:
                failed(ask, error)


def failed(ask: Ask, error: Exception) -> None:
    """Tell ASK; whatever happens, the others are answered."""
    try:
        ask.form.fail(ask, error)
    except Exception:
        log.exception("a request cannot even be refused")
