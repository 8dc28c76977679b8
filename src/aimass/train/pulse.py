"""Moments between steps at which a run looks up: to report, to keep its state, to see whether it should stop.

One process follows its clock.  Several ranks must look up after the same step: they agree on a number of steps, which
the clock of rank 0 chose.
"""

from __future__ import annotations

import math
import time

import torch

from aimass.train.parallel.base import Placement
from aimass.train.state import State

TELL_EVERY = 1.0  # seconds between reports inside an epoch
SAVE_EVERY = 10.0  # seconds between checkpoints
QUICK = 0.2  # seconds a checkpoint may hold up the steps; a longer one comes as much more rarely


class Pulse:
    """The clock of a run; seconds before a resume count.

    over  the minutes of the plan are spent     stop  somebody wants the run to stop     save  a checkpoint is due
    """

    def __init__(self, state: State, placement: Placement) -> None:
        self.state, self.placement = state, placement
        self.over = self.stop = self.save = False
        self._began = time.monotonic() - state.seconds
        self._told = time.monotonic()
        self._saved = -math.inf  # the first steps too: whatever ends a run early should find a state
        self._told_steps = self._next = state.done
        self._rows_per_s = 0
        self._pause = SAVE_EVERY
        self.begin_epoch()

    def seconds(self) -> float:
        """Of this run, by the clock of this rank."""
        return time.monotonic() - self._began

    def due(self) -> bool:
        """Whether to look up after this step."""
        if self.placement.world == 1:
            return time.monotonic() - self._told >= TELL_EVERY
        return self.state.done >= self._next

    def look(self, stop: bool) -> None:
        """Decide what is due; all ranks alike.  STOP: whether this rank heard that the run should stop."""
        now, done = time.monotonic(), self.state.done
        minutes = self.state.plan.minutes
        # The first epoch is done anyway, and the first step of each.
        over = 0 < 60 * minutes < self.seconds() and self.state.epoch > 0
        a_step = (now - self._told) / max(1, done - self._told_steps)
        ahead = max(1, int(TELL_EVERY / max(a_step, 1e-6)))
        decided = self.agree([stop, over, now - self._saved >= self._pause, ahead])
        self.stop, self.over, self.save = (bool(value) for value in decided[:3])
        self._next = done + int(decided[3])

    def agree(self, numbers: list[float]) -> list[float]:
        """NUMBERS as rank 0 has them."""
        if self.placement.world == 1:
            return numbers
        mine = torch.tensor(numbers, dtype=torch.float64) * (self.placement.rank == 0)
        agreed: list[float] = self.placement.reduce(mine).tolist()
        return agreed

    def begin_epoch(self) -> None:
        self._epoch_began, self._epoch_first = time.monotonic(), self.state.step

    def epoch_rows_per_s(self) -> float:
        """Of the steps since `begin_epoch`: what stands between epochs is not in it."""
        plan, steps = self.state.plan, self.state.step - self._epoch_first
        return steps * plan.rows / plan.steps / max(time.monotonic() - self._epoch_began, 1e-9)

    def saved(self, seconds: float) -> None:
        """A checkpoint held up the steps for so many SECONDS."""
        self._saved, self._pause = time.monotonic(), SAVE_EVERY * max(1.0, seconds / QUICK)

    def rates(self) -> dict[str, float]:
        """Rows a second since the last report of a step; seconds left if no epoch is saved by an early stop."""
        state, plan, now = self.state, self.state.plan, time.monotonic()
        if steps := state.done - self._told_steps:
            self._rows_per_s = round(steps * plan.rows / plan.steps / max(now - self._told, 1e-9))
        left = (plan.steps * state.epochs - state.done) * self.seconds() / max(1, state.done)
        self._told, self._told_steps = now, state.done
        return {"rows_per_s": self._rows_per_s, "seconds_left": round(left, 1)}
