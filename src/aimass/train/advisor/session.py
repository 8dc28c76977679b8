"""One consultation: its bench, its clock, and how its seconds are divided."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar

from torch import Tensor

from aimass.core.errors import AimassError, Stopped
from aimass.train.advisor.bench import Bench, Trial
from aimass.train.advisor.paired import WARM_UP, WORTH, Block, block_seconds, least_block, warm_up
from aimass.train.advisor.record import Row
from aimass.train.advisor.watch import Limits, Watch
from aimass.train.plan import Plan

CONFIRMING = 20  # pairs at least
SPEAKING = 8  # pairs whose range is a 99 % interval: all that is sure before a screening begins
WARM_BLOCKS = 4  # about so many until a trial is steady
WARMING = 0.03  # share of the seconds in which a trial must become steady, unless it needs less
GUARD = 0.06  # share of the seconds for one guard, unless it needs less
GUARDED = 100  # steps a guard takes at most: fifty of two plans, or thirty of three
FRESH_SECONDS = 5.0  # to start an interpreter, import torch and read the rows, where nobody says

T = TypeVar("T")


class Refusal(Exception):
    """What was tried cannot be done here; the text is the reason in the ledger."""


def attempt(work: Callable[[], T]) -> T:
    """WORK's answer.  Raises Refusal for what this machine or plan cannot do; a stop that was asked for goes on."""
    try:
        return work()
    except Stopped:
        raise
    except (AimassError, RuntimeError) as error:
        told = str(error).strip().split("\n")[0]
        raise Refusal(f"it cannot be run here: {told or type(error).__name__}") from error


class Ready:
    """A trial that is built and warm, with the losses and gradients it was asked for so far."""

    def __init__(self, plan: Plan, trial: Trial, block: Block, built: float) -> None:
        self.plan, self.trial, self.block = plan, trial, block
        self.built = built  # seconds until it could run
        self.setup = trial.setup_seconds + max(0.0, block.first - block.seconds)
        self._losses: list[float] = []
        self._gradients: dict[str, Tensor] = {}

    def losses(self, count: int) -> list[float]:
        if len(self._losses) < count:
            self._losses = list(attempt(lambda: self.trial.losses(count)))
        return self._losses[:count]

    def gradients(self) -> dict[str, Tensor]:
        if not self._gradients:
            found = attempt(self.trial.gradients)
            self._gradients = {name: gradient.detach().float().cpu() for name, gradient in found.items()}
        return self._gradients


@dataclass
class Session:
    """State of one consultation.  DEADLINE is a time of the watch; SHARES are of the incumbent's step."""

    bench: Bench
    watch: Watch
    seconds: float
    random: Random
    note: Callable[[str], None]
    started: float = 0.0
    limits: Limits = Limits()
    worth: float = WORTH  # the gain that counts, by the noise floor
    shares: dict[str, float] = field(default_factory=dict)
    step: float = 0.0  # seconds, of the baseline
    build_seconds: float = 0.0
    processes: int = 0  # fresh ones for the confirmation; 0: fresh trials in this process, HERE says why
    here: str = "it was found before"
    setup: float = 0.0  # seconds of what is to be confirmed, paid again by each process
    rows: dict[str, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.base = self.bench.plan  # what a winner is held against: the safe plan, or what of it fits the memory
        self.start = float(self.bench.facts.get("fresh_seconds", FRESH_SECONDS))  # of a fresh process, as last seen
        self._open: list[Trial] = []

    @property
    def deadline(self) -> float:
        return self.started + self.seconds

    @property
    def least(self) -> float:
        """Seconds a block takes at least."""
        return least_block(self.bench.facts.get("device", "cpu"))

    @property
    def block(self) -> float:
        """Seconds a block of the baseline takes."""
        return block_seconds(self.step, self.least)

    @property
    def guard_seconds(self) -> float:
        """For one guard."""
        return min(GUARD * self.seconds, GUARDED * self.step)

    def left(self) -> float:
        return self.deadline - self.watch.now()

    def ready(self, plan: Plan) -> Ready:
        """PLAN, built and warm.  Raises Refusal."""
        begin = self.watch.now()
        cold, limit = self.cold(plan), min(WARM_UP, WARMING * self.seconds)
        try:
            block = attempt(lambda: warm_up(cold.trial.steps, self.watch, self.least, limit))
        except Refusal:
            self.close(cold)
            raise
        return Ready(plan, cold.trial, block, self.watch.now() - begin)

    def cold(self, plan: Plan) -> Ready:
        """PLAN, built but not warm: for its numbers alone.  Raises Refusal."""
        trial = attempt(lambda: self.bench.build(plan))
        self._open.append(trial)
        return Ready(plan, trial, Block(trial.steps, 1, 0.0), 0.0)

    def close(self, ready: Ready) -> None:
        self._open.remove(ready.trial)
        ready.trial.close()

    def close_all(self) -> None:
        """Whatever is still open, also after an error."""
        while self._open:
            self._open.pop().close()

    def screening_cost(self, setup: float = 0.0) -> float:
        """Seconds to build, warm and pair a candidate often enough for a first interval."""
        return setup + self.build_seconds + (WARM_BLOCKS + 2 * SPEAKING) * self.block

    def pairing_cost(self) -> float:
        """Seconds for one confirmation without its process: two trials are built and warmed, twenty pairs taken."""
        return self.setup + 2 * (self.build_seconds + WARM_BLOCKS * self.block) + 2 * CONFIRMING * self.block

    def fresh_cost(self, processes: int = 1) -> float:
        """Seconds for confirmations in so many fresh PROCESSES; a single one that fails leaves time for pairs here."""
        here = self.pairing_cost()
        return max(processes, 1) * (self.start + here) + (here if processes == 1 else 0.0)

    def reserve(self, setup: float = 0.0) -> float:
        """Seconds to keep for the confirmation of a plan whose SETUP is paid again each time."""
        if not self.processes:
            return self.pairing_cost() + setup
        return self.fresh_cost(self.processes) + max(2, self.processes) * setup

    def tell(self, names: Iterable[str], **changes: Any) -> None:
        """Write CHANGES in the rows of NAMES."""
        for name in names:
            self.rows[name] = replace(self.rows[name], **changes)
