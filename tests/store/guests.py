"""Trackers of a guest: one that writes lines, and those that break in every way a tool can."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

from aimass.core.task import Task
from aimass.store.trackers.base import Point, Session, Tracker


class Lines(Tracker):
    """A file of JSON lines a run.  BREAKS: where it raises, or hangs."""

    path: str = ""
    breaks: Literal["", "open", "points", "close", "hangs"] = ""

    def placed(self, folder: Path) -> Self:
        return replace(self, path=str(Path(self.path or folder / "lines").absolute()))

    def open(self, run: str, task: Task) -> Session:
        session = Written(self, Path(self.path) / f"{run}.jsonl")
        session.write("open", [task.step, task.label])
        return session


class Written(Session):
    def __init__(self, part: Lines, file: Path) -> None:
        self.part, self.file = part, file
        file.parent.mkdir(parents=True, exist_ok=True)

    def write(self, what: str, value: Any) -> None:
        if self.part.breaks == "hangs":
            time.sleep(60)
        if self.part.breaks == what:
            raise RuntimeError(f"cannot {what}")
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([what, value]) + "\n")

    def points(self, points: Sequence[Point]) -> None:
        self.write("points", list(points))

    def close(self, state: str, facts: Mapping[str, Any]) -> None:
        self.write("close", [state, dict(facts)])
