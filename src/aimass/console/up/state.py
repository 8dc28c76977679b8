"""Who is up in a workspace: a file, believed only as far as its process lives."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aimass.console.alive import is_alive, started
from aimass.core.errors import InputError
from aimass.store.base import writing

FOLDER, FILE = "up", "state.json"
LOOK = 0.05  # seconds


@dataclass(frozen=True)
class State:
    """The supervisor PID, which began at SINCE as its system tells it, and what it keeps."""

    pid: int
    since: str
    began: str  # ISO 8601
    console: str = ""  # its URL
    inference: str = ""
    processes: list[dict[str, Any]] = field(default_factory=list)
    version: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)  # of parameters, where its start said something
    wanted: dict[str, Any] = field(default_factory=dict)  # of parameters, as they were set since

    @property
    def begun(self) -> bool:
        """Whether all have had their chance to begin."""
        return all(one["settled"] for one in self.processes)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def lives(self) -> bool:
        """Whether that process still runs: not another that has its number by now."""
        return is_alive(self.pid, self.since)


def folder_of(workspace: Path) -> Path:
    """Where state and logs lie; made when it is not there."""
    place = workspace / FOLDER
    with writing(str(place)):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def write(workspace: Path, state: State) -> None:
    """Keep STATE, whole or not at all."""
    place = folder_of(workspace) / FILE
    scratch = place.with_suffix(".new")
    with writing(str(place)):
        scratch.write_text(json.dumps(state.as_json(), indent=1), encoding="utf-8")
        scratch.chmod(0o600)
        scratch.replace(place)


def remove(workspace: Path) -> None:
    """Nobody is up any more."""
    (workspace / FOLDER / FILE).unlink(missing_ok=True)


def read(workspace: Path) -> State | None:
    """Who is up in WORKSPACE; None when nobody is, whatever a killed one has left."""
    try:
        told = json.loads((workspace / FOLDER / FILE).read_text(encoding="utf-8"))
        state = State(**told)
        return state if state.lives else None
    except (OSError, ValueError, TypeError, OverflowError):  # none, or not one of ours
        return None


def end(state: State, seconds: float) -> bool:
    """Stop the supervisor of STATE, at once when it takes longer than SECONDS; whether it went by itself.

    The signal goes to the process that was looked at, never to another that got its number in between.
    """
    if not hasattr(os, "pidfd_open"):  # not Linux: between look and signal there is a moment
        return _ended(state, lambda number: os.kill(state.pid, number), seconds)
    try:
        process = os.pidfd_open(state.pid)
    except ProcessLookupError:
        return True
    try:
        if started(state.pid) != state.since:
            return True
        return _ended(state, lambda number: signal.pidfd_send_signal(process, number), seconds)
    except PermissionError as error:
        raise InputError(f"process {state.pid} is another user's", todo="ask that user to stop it") from error
    finally:
        os.close(process)


def _ended(state: State, send: Any, seconds: float) -> bool:
    until = time.monotonic() + seconds
    try:
        send(signal.SIGTERM)
        while state.lives and time.monotonic() < until:
            time.sleep(LOOK)
        if not state.lives:
            return True
        send(signal.SIGKILL)
        while state.lives:
            time.sleep(LOOK)
        return False
    except ProcessLookupError:
        return True
