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
    step_seconds  of a step since the last look, evaluation and checkpoints left out; by the clock of this rank
    """

    def __init__(self, state: State, placement: Placement) -> None:
        self.state, self.placement = state, placement
        self.over = self.stop = self.save = False
        self._began = time.monotonic() - state.seconds
        self._told, self._told_seconds, self._held = time.monotonic(), state.seconds, 0.0
        self._saved = -math.inf  # the first steps too: whatever ends a run early should find a state
        self._told_steps = self._next = state.done
        self._rows_per_s = 0
        self._pause = SAVE_EVERY
        self.step_seconds, self._quickest = math.nan, math.inf
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
        state, first = self.state, math.isnan(self.step_seconds)
        elapsed = self.seconds() - self._told_seconds - self._held
        self.step_seconds, self._held = elapsed / max(1, state.done - self._told_steps), 0.0
        if not first:  # which also warms up
            self._quickest = min(self._quickest, self.step_seconds)
        ahead = max(1, int(TELL_EVERY / max(self.step_seconds, 1e-6)))
        save, left = time.monotonic() - self._saved >= self._pause, self._left()
        decided = self.agree([stop, left < 0, save, ahead, self._epochs(left)])
        self.stop, self.over, self.save = (bool(value) for value in decided[:3])
        self.stop &= not self.over  # the run ends anyway; begun again in this epoch it would do a step more
        self._next, state.epochs = state.done + int(decided[3]), decided[4]

    def _left(self) -> float:
        """Seconds of the plan's minutes."""
        minutes = self.state.plan.minutes
        return 60 * minutes - self.seconds() if minutes else math.inf

    def _epochs(self, left: float) -> float:
        """Epochs of the run, when so many seconds are LEFT: the part that is done when none are.

        `State.fit_epochs` plans whole ones after each.  When not even the first fits, the rate of learning falls for
        the end of what does, planned at each look at the quickest pace so far: after a slow start it rises again.
        """
        state, steps = self.state, self.state.plan.steps
        if left < 0:
            return state.done / steps
        if state.epoch or self._quickest == math.inf:
            return state.epochs
        fits = (state.done + left / self._quickest) / steps
        return state.epochs if min(fits, state.epochs) >= 1 else min(fits, 1.0)

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
        self._held = seconds

    def rates(self) -> dict[str, float]:
        """Rows a second since the last report of a step; seconds left if no epoch is saved by an early stop."""
        state, plan, now = self.state, self.state.plan, time.monotonic()
        if steps := state.done - self._told_steps:
            self._rows_per_s = round(steps * plan.rows / plan.steps / max(now - self._told, 1e-9))
        left = max(0.0, plan.steps * state.epochs - state.done) * self.seconds() / max(1, state.done)
        self._told, self._told_seconds, self._told_steps, self._held = now, self.seconds(), state.done, 0.0
        return {"rows_per_s": self._rows_per_s, "seconds_left": round(left, 1)}
