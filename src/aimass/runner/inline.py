"""Work in this process: nothing to start, easiest to debug."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.runner.execute import execute


class Inline:
    """Runs each task here and now."""

    def __init__(self, name: str) -> None:
        self.name = name

    def submit(self, task: str, url: str, run: str, needs: Mapping[str, Any]) -> str:
        return execute(task, url, run, needs)
