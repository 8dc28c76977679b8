"""A context without a workspace: figures and lines are kept in lists, and somebody may listen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError

NOWHERE = Path(os.devnull)  # no file can be below it


class Here:
    """The context of a training without a workspace: figures are kept in a list; FOLDER may be NOWHERE."""

    workers = 1
    lake = ""

    def __init__(
        self, folder: Path, seed: int, on_report: Callable[[dict[str, float]], None] | None, lines: list[str]
    ) -> None:
        self.folder = self.resume = folder
        self.seed, self.on_report, self.lines = seed, on_report, lines
        self.history: list[dict[str, float]] = []
        self._began = time.monotonic()

    def report(self, at: float | None = None, **numbers: float) -> None:
        row = {"at": at or 0.0, "seconds": time.monotonic() - self._began, **numbers}
        self.history.append(row)
        if self.on_report:
            self.on_report(row)

    def log(self, message: str) -> None:
        self.lines.append(message)

    def tell(self, **facts: Any) -> None:
        """Nothing lists what has no name."""

    def gang(self, work: Callable[..., Any], **arguments: Any) -> list[Any]:
        raise InputError("aimass.fit trains in its own process", todo="start it by torchrun, or train in a workspace")
