"""The contract of a tracker: it is told what the catalog is told, after the catalog.

A tracker is a place, never a meaning: it is no part of a task, so mirrored runs give and reuse the same artifacts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from aimass.core.part import Part
from aimass.core.task import Task

Point = tuple[str, float | None, float]  # name, position (epoch), value: as `Catalog.add_metrics` takes them

PARTS_OF_ONE = 1000  # the tools count whole steps: theirs are thousandths of our positions, of an epoch say


class Tracker(Part):
    """Mirrors runs to another tool; what it cannot tell is said once in the run's log and never fails the run."""

    family: ClassVar[str] = "tracker"

    def placed(self, folder: Path) -> Self:
        """This tracker with every place absolute, for runs in other processes; what is left out lies in FOLDER."""
        raise NotImplementedError

    def open(self, run: str, task: Task) -> Session:
        """Begin to mirror RUN of TASK.  Raises whatever the tool raises when it cannot be reached."""
        raise NotImplementedError


class Session:
    """One run being mirrored; used from one thread."""

    def points(self, points: Sequence[Point]) -> None:
        """Live figures, in the order they were reported."""
        raise NotImplementedError

    def close(self, state: str, facts: Mapping[str, Any]) -> None:
        """The run ended in STATE ("finished", "failed", "stopped") with FACTS."""
        raise NotImplementedError


class Steps:
    """Positions as whole steps: thousandths of AT; the n-th point of a name without positions is step n."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def step(self, name: str, at: float | None) -> int:
        self.seen[name] += 1
        return self.seen[name] - 1 if at is None else round(at * PARTS_OF_ONE)


def title(run: str, task: Task) -> str:
    """What a run is called in another tool, unlike any other run's: "12-train-mlp-3fa9c1"."""
    return "-".join(word for word in (run, task.step, task.label, task.digest[:6]) if word)
