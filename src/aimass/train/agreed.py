"""Ranks that try something say to each other whether it worked, before one of them waits for another in vain."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from aimass.core.errors import InputError
from aimass.train.parallel.base import Placement

T = TypeVar("T")


class NoTrial(InputError):
    """A plan cannot be tried on a copy of the network; raised on every rank alike."""


def agreed(placement: Placement, work: Callable[[], T]) -> T:
    """WORK's answer, when it worked on every rank of PLACEMENT.

    Each rank does it alone, or fails before it would have met the others.  Raises NoTrial on all ranks when it failed
    on one; where there is one rank, whatever WORK raises.
    """
    if placement.world == 1:
        return work()
    answers, why = [], ""
    try:
        answers.append(work())
    except Exception as error:  # the other ranks must hear of any
        why = str(error).strip().split("\n")[0] or type(error).__name__
    failed = int(placement.reduce(torch.tensor([not answers], dtype=torch.int64)))
    if failed:
        raise NoTrial(why or f"{failed} of {placement.world} ranks cannot do it")
    return answers[0]
