"""The contract of a runner: take a task's JSON, give back a digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from aimass.core.errors import unknown
from aimass.core.part import load
from aimass.runner import RUNNERS


class Runner(Protocol):
    """A place to work."""

    def submit(self, task: str, url: str, run: str, needs: Mapping[str, Any]) -> str:
        """Execute the TASK (JSON) of RUN in the workspace at URL, with what it NEEDS; returns the digest it made.

        Raises the AimassError of the task, or TaskFailed when it died without a word: a crash of a task is a
        failed task, never a failed program.
        """


def runner_of(name: str) -> Runner:
    """The runner called NAME; "ray://host:port" is Ray at that address.  Raises InputError."""
    kind = "ray" if str(name).startswith("ray:") else str(name)
    if kind not in RUNNERS:
        raise unknown("runner", kind, [*RUNNERS, "ray://host:port"])
    found: Runner = load(RUNNERS[kind], f"runner {kind!r}")(name)
    return found
