"""How long a step waits for the others: what communication costs where computing does not hide it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from aimass.train.parallel.base import Placement


class Communication(NamedTuple):
    """Seconds of a step, medians: with the exchange of gradients, without it, and of the exchange alone."""

    step: float
    local: float
    alone: float

    @property
    def exposed(self) -> float:
        """What the exchange adds to a step."""
        return self.step - self.local

    @property
    def share(self) -> float:
        """Of the exchange that computing does not hide: 0 is all hidden, 1 none."""
        return self.exposed / self.alone


def communication(placement: Placement, step: Callable[[], object], numbers: int, rounds: int = 10) -> Communication:
    """What the exchange of so many float32 NUMBERS costs a STEP (forward, backward; gradients need not be cleared).

    Step, step without exchange and exchange alone take turns, so that a busy machine slows all three alike.  Every
    rank calls this; each gets its own seconds.
    """

    def local() -> None:
        with placement.sync_context(False):
            step()

    flat = torch.zeros(numbers, device=placement.device)
    kinds: tuple[Callable[[], object], ...] = (step, local, lambda: placement.reduce(flat))
    taken: list[list[float]] = [[] for _ in kinds]
    for kind in kinds:  # the first of each also warms up
        kind()
    for _ in range(rounds):
        for seconds, kind in zip(taken, kinds, strict=True):
            seconds.append(_timed(placement, kind))
    return Communication(*(statistics.median(seconds) for seconds in taken))


def _timed(placement: Placement, body: Callable[[], object]) -> float:
    """Seconds of BODY, begun on all ranks at once."""
    placement.reduce(torch.zeros(1))
    begun = time.perf_counter()
    body()
    if placement.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun
