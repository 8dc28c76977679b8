"""Event files for TensorBoard (extra `tensorboard`), written by tensorboardX: no TensorFlow and no server needed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from tensorboardX import SummaryWriter

from aimass.core.part import knob
from aimass.core.task import Task
from aimass.store.trackers.base import Point, Session, Steps, Tracker, title


class TensorBoard(Tracker):
    """A folder of event files a run; look at them with `tensorboard --logdir PATH`."""

    path: str = knob("", help="folder; empty: tensorboard in the workspace")

    def placed(self, folder: Path) -> Self:
        return replace(self, path=str(Path(self.path or folder / "tensorboard").absolute()))

    def open(self, run: str, task: Task) -> Session:
        """Raises OSError when the folder cannot be written."""
        return EventFiles(Path(self.path) / re.sub(r"[^\w.@=-]+", "_", title(run, task)), task)


class EventFiles(Session):
    """Scalars by name, and the task and its end as texts."""

    def __init__(self, folder: Path, task: Task) -> None:
        self.writer, self.steps = SummaryWriter(str(folder)), Steps()
        self._text("task", json.loads(task.to_json()))

    def points(self, points: Sequence[Point]) -> None:
        for name, at, value in points:
            self.writer.add_scalar(name, value, self.steps.step(name, at))
        self.writer.flush()

    def close(self, state: str, facts: Mapping[str, Any]) -> None:
        self._text("end", {"state": state, **facts})
        self.writer.close()

    def _text(self, name: str, value: Any) -> None:
        lines = json.dumps(value, indent=1, ensure_ascii=False, default=str).splitlines()
        self.writer.add_text(name, "\n".join(f"    {line}" for line in lines))  # indented: Markdown shows it as it is
