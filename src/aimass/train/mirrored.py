"""Advice for several ranks: rank 0 decides, and whatever its trials do, the trials of the others do with them.

A trial of one rank alone would wait for ever: its backward pass exchanges gradients.  So rank 0 tells each move before
it makes it, through the line its gang already has, at the edges of blocks and never inside of one.

What a rank cannot build or run by itself, all of them refuse (`agreed`).  A rank that fails later, in the middle of a
move, has others waiting for its gradients: that is no refusal but the end of the run, which names the rank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from torch import Tensor

from aimass.core.errors import Stopped
from aimass.runner.gang import Rank
from aimass.train.advisor.bench import Phase
from aimass.train.agreed import NoTrial
from aimass.train.bench import LoopBench, LoopTrial
from aimass.train.plan import Plan

DONE = {"do": "done"}


class Torn(Exception):
    """A rank failed in the middle of a move: no refusal (`session.attempt`), since the others still wait in it."""


@contextmanager
def one_move(name: str) -> Iterator[None]:
    """Raises Torn for what fails inside; what all ranks agree that they cannot do is no such failure."""
    try:
        yield
    except (NoTrial, Stopped):
        raise
    except Exception as error:
        raise Torn(f"{name} failed while the other ranks were in it: {type(error).__name__}: {error}") from error


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
        with one_move("build"):
            trial = self.bench.build(plan)
        return MirroredTrial(trial, partial(self._tell, self._built))

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
        with one_move("steps"):
            self.trial.steps(count)
        self.peak_bytes = self.trial.peak_bytes

    def losses(self, count: int) -> list[float]:
        self.tell("losses", count=count)
        with one_move("losses"):
            found = self.trial.losses(count)
        self.skipped = self.trial.skipped
        return found

    def gradients(self) -> dict[str, Tensor]:
        self.tell("gradients")
        with one_move("gradients"):
            return self.trial.gradients()

    def phases(self) -> dict[str, Phase]:
        self.tell("phases")
        with one_move("phases"):
            return {name: partial(self._phase, name, phase) for name, phase in self.trial.phases().items()}

    def _phase(self, name: str, phase: Phase, count: int) -> None:
        self.tell("phase", name=name, count=count)
        with one_move(name):
            phase(count)

    def close(self) -> None:
        self.tell("close")
        self.trial.close()


def follow(bench: LoopBench, rank: Rank) -> None:
    """Make every move that rank 0 tells, until it is done.  Raises Torn."""
    trials: dict[int, LoopTrial] = {}
    phases: dict[int, dict[str, Phase]] = {}
    while (told := rank.share())["do"] != "done":
        with one_move(told["do"]), suppress(NoTrial):  # refused by all: rank 0 has no such trial either
            _move(bench, trials, phases, **told)


def _move(
    bench: LoopBench,
    trials: dict[int, LoopTrial],
    phases: dict[int, dict[str, Phase]],
    *,
    do: str,
    trial: int,
    plan: Mapping[str, Any] | None = None,
    name: str = "",
    count: int = 0,
) -> None:
    """DO with the TRIAL of that number what rank 0 does with its own."""
    if do == "build":
        trials[trial] = bench.build(Plan.from_json(plan or {}))
    elif do == "phases":
        phases[trial] = trials[trial].phases()
    elif do == "phase":
        phases[trial][name](count)
    elif do == "close":
        phases.pop(trial, None)
        trials.pop(trial).close()
    elif do == "gradients":
        trials[trial].gradients()
    else:
        getattr(trials[trial], do)(count)
