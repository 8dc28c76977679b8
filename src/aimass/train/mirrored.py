"""Advice for several ranks: rank 0 decides, and whatever its trials do, the trials of the others do with them.

A trial of one rank alone would wait for ever: its backward pass exchanges gradients.  So rank 0 tells each move before
it makes it, through the line its gang already has, at the edges of blocks and never inside of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import Tensor

from aimass.core.errors import AimassError
from aimass.runner.gang import Rank
from aimass.train.advisor.bench import Phase
from aimass.train.bench import LoopBench, LoopTrial
from aimass.train.plan import Plan

DONE = {"do": "done"}


class MirroredBench:
    """Rank 0's bench: its trials move with those of the other ranks, which are in `follow`."""

    def __init__(self, bench: LoopBench, rank: Rank) -> None:
        self.bench, self.rank = bench, rank
        self.plan: Plan = bench.plan
        self.facts: Mapping[str, Any] = bench.facts
        self._built = 0

    def build(self, plan: Plan) -> MirroredTrial:
        self._built += 1
        self.rank.share({"do": "build", "trial": self._built, "plan": plan.as_json()})
        return MirroredTrial(self.bench.build(plan), partial(self._tell, self._built))

    def _tell(self, trial: int, do: str, **given: Any) -> None:
        self.rank.share({"do": do, "trial": trial, **given})

    def fresh(self) -> list[str] | None:
        """A fresh process would be alone."""
        return None


class MirroredTrial:
    """A trial of rank 0."""

    def __init__(self, trial: LoopTrial, tell: Callable[..., None]) -> None:
        self.trial, self.tell = trial, tell
        self.setup_seconds, self.peak_bytes = trial.setup_seconds, trial.peak_bytes
        self.skipped: list[bool] = []

    def steps(self, count: int) -> None:
        self.tell("steps", count=count)
        self.trial.steps(count)
        self.peak_bytes = self.trial.peak_bytes

    def losses(self, count: int) -> list[float]:
        self.tell("losses", count=count)
        found = self.trial.losses(count)
        self.skipped = self.trial.skipped
        return found

    def gradients(self) -> dict[str, Tensor]:
        self.tell("gradients")
        return self.trial.gradients()

    def phases(self) -> dict[str, Phase]:
        self.tell("phases")
        return {name: partial(self._phase, name, phase) for name, phase in self.trial.phases().items()}

    def _phase(self, name: str, phase: Phase, count: int) -> None:
        self.tell("phase", name=name, count=count)
        phase(count)

    def close(self) -> None:
        self.tell("close")
        self.trial.close()


def follow(bench: LoopBench, rank: Rank) -> None:
    """Make every move that rank 0 tells, until it is done.  What fails there fails here, and is told there."""
    trials: dict[int, LoopTrial] = {}
    phases: dict[int, dict[str, Phase]] = {}
    while (told := rank.share())["do"] != "done":
        number = told["trial"]
        try:
            if told["do"] == "build":
                trials[number] = bench.build(Plan.from_json(told["plan"]))
            elif told["do"] == "phases":
                phases[number] = trials[number].phases()
            elif told["do"] == "phase":
                phases[number][told["name"]](told["count"])
            elif told["do"] == "close":
                trials.pop(number).close()
            else:
                getattr(trials[number], told["do"])(**{k: v for k, v in told.items() if k == "count"})
        except (AimassError, RuntimeError):
            trials.pop(number, None)
