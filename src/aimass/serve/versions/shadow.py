"""A version that answers nobody: it gets copies of requests, and its answers are compared with those that were given.

What it costs is bounded: it is never asked on the event loop, and while it is behind copies are left out and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aimass.engines.base import Tensors
from aimass.serve.batch.base import Ask, Form, spans
from aimass.serve.failures import REFUSALS, Reader, Then, asking
from aimass.serve.known import Known
from aimass.serve.metrics import NOBODY
from aimass.serve.versions.version import Route, Version

ABSOLUTE, RELATIVE = 1e-5, 1e-3  # how far numbers may be apart and still agree
BEHIND = 2048  # rows that wait for the shadow, beyond which copies are left out
KEPT = 256  # forms


class Shadow:
    """Asks VERSION what others are asked, and counts how its answers differ."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.seen, self.copies = Known[Form, Seen](KEPT), Known[Form, Copied](KEPT)
        self.compared = self.differing = self.failed = self.left_out = 0  # rows
        self.largest: dict[str, float] = {}  # difference, by output

    def route(self, what: str, version: Version) -> Route:
        """As VERSION's own for WHAT is asked."""
        ask, copied = version.asks[what], self.version.asks[what]

        def read(exchange: Any, then: Then) -> None:
            ask(exchange, lambda asked: then(self.mirror(asked, exchange, copied)))

        return asking(version.served, read)

    def mirror(self, ask: Ask, exchange: Any, read: Reader) -> Ask:
        """ASK of the version that answers, whose answer is looked at; what READ finds in EXCHANGE is asked here."""
        batcher = self.version.served.batcher
        if batcher.waiting.rows > BEHIND:
            self.left_out += ask.rows
            return ask
        pair = ask.tap = Pair(self, ask.rows)
        ask.form = self.seen.get(ask.form) or self.seen.keep(ask.form, Seen(ask.form))

        def then(copy: Ask) -> None:
            copy.deadline, copy.id, copy.tap = 0.0, "", pair
            copy.form = self.copies.get(copy.form) or self.copies.keep(copy.form, Copied(copy.form))
            batcher.add(copy)

        silent = Silent(exchange, pair)
        try:
            read(silent, then)
        except REFUSALS:
            pair.failed()
        return ask

    def compare(self, given: Tensors, mine: Tensors, rows: int) -> None:
        """Count what differs between the answers GIVEN and MINE to so many ROWS."""
        differs = np.zeros(rows, bool)
        for name in given.keys() & mine.keys():
            apart, largest = difference(given[name], mine[name])
            differs |= apart
            self.largest[name] = max(self.largest.get(name, 0.0), largest)
        self.compared += rows
        self.differing += int(differs.sum())

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version.version, "rows_compared": self.compared, "rows_that_differ": self.differing,
            "rows_failed": self.failed, "rows_left_out": self.left_out, "largest_difference": dict(self.largest),
        }  # fmt: skip


def difference(given: np.ndarray, mine: np.ndarray) -> tuple[np.ndarray, float]:
    """Which rows of the two differ, and by how much at most; texts and shapes differ by infinity."""
    if given.shape != mine.shape or given.dtype.kind in "OUSb" or mine.dtype.kind in "OUSb":
        unequal = given != mine if given.shape == mine.shape else np.ones(len(given), bool)
        apart = np.atleast_1d(np.asarray(unequal).reshape(len(given), -1).any(axis=1))
        return apart, float("inf") if apart.any() else 0.0
    first, second = given.astype(np.float64), mine.astype(np.float64)
    by = np.where(np.isnan(first) & np.isnan(second), 0.0, np.abs(first - second)).reshape(len(given), -1)
    by = np.where(np.isnan(by), np.inf, by)
    allowed = ABSOLUTE + RELATIVE * np.abs(np.nan_to_num(first)).reshape(len(given), -1)
    return np.atleast_1d((by > allowed).any(axis=1)), float(by.max(initial=0.0))


class Pair:
    """Two answers to one request, whichever comes first."""

    def __init__(self, shadow: Shadow, rows: int) -> None:
        self.shadow, self.rows = shadow, rows
        self.given: Tensors | None = None
        self.mine: Tensors | None = None

    def was_given(self, outputs: Tensors) -> None:
        self.given = outputs
        self._look()

    def was_mine(self, outputs: Tensors) -> None:
        self.mine = outputs
        self._look()

    def failed(self) -> None:
        self.shadow.failed += self.rows

    def _look(self) -> None:
        if self.given is not None and self.mine is not None:
            self.shadow.compare(self.given, self.mine, self.rows)


class Seen(Form):
    """FORM, whose answers are looked at as they are given."""

    def __init__(self, form: Form) -> None:
        self.form = form

    def join(self, parts: Sequence[Any]) -> Tensors:
        return self.form.join(parts)

    def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
        self.form.answer(asks, outputs)
        for ask, part in parts_of(asks, outputs):
            ask.tap.was_given(part)

    def fail(self, ask: Ask, error: Exception) -> None:
        self.form.fail(ask, error)


class Copied(Seen):
    """FORM, whose answers are looked at and go to nobody."""

    def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
        for ask, part in parts_of(asks, outputs):
            ask.tap.was_mine(part)

    def fail(self, ask: Ask, error: Exception) -> None:
        ask.tap.failed()


def parts_of(asks: Sequence[Ask], outputs: Tensors) -> list[tuple[Ask, Tensors]]:
    """What of OUTPUTS is whose of ASKS, as copies: a batch is not kept for one of its rows."""
    return [
        (ask, {name: array[begin:end].copy() for name, array in outputs.items()})
        for ask, (begin, end) in zip(asks, spans(asks), strict=True)
    ]


class Silent:
    """EXCHANGE, once more, for a reader whose answer nobody waits for; an answer is a mistake, and counts as one."""

    def __init__(self, exchange: Any, pair: Pair) -> None:
        self.exchange, self.pair = exchange, pair
        self.gone = self.done = False
        self.counts = NOBODY
        self.client = None  # a copy is no request of its own, and nobody's turn

    def answer(self, *said: Any, **more: Any) -> None:
        self.pair.failed()

    refuse = reply = answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.exchange, name)
