"""The contract of a tracker: it is told what the catalog is told, after the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from aimass.core.part import Part

Point = tuple[str, float | None, float]  # name, position (epoch), value: as `Catalog.add_metrics` takes them


class Tracker(Part):
    """Mirrors runs to another tool; what it cannot tell is said once in the run's log and never fails the run."""

    family: ClassVar[str] = "tracker"

    def open(self, run: str, step: str, settings: Mapping[str, Any]) -> Session:
        """Begin to mirror RUN.  Raises InputError when the tool is not installed or cannot be reached."""
        raise NotImplementedError


class Session:
    """One run being mirrored; called from one thread at a time."""

    def points(self, points: Sequence[Point]) -> None:
        """Live figures, in the order they were reported."""
        raise NotImplementedError

    def close(self, state: str, facts: Mapping[str, Any]) -> None:
        """The run ended in STATE ("done", "failed", "stopped") with FACTS."""
        raise NotImplementedError
