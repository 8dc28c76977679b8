"""Hosts of engines that a test names, ended with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass.core.part import resolve
from aimass.engines.host import Hosted, Limits

GUESTS = "tests.engines.host.guests"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[..., Hosted]]:
    """A host of the guest NAME, started; its settings and limits by name."""
    made: list[Hosted] = []

    def make(name: str, settings: dict[str, Any] | None = None, *, start: bool = True, **limits: Any) -> Hosted:
        engine = resolve("engine", f"{GUESTS}:{name}").from_settings({"use": f"{GUESTS}:{name}", **(settings or {})})
        made.append(Hosted(engine, tmp_path, Limits(**{"memory_mb": 1000.0, **limits})))
        return made[-1].start() if start else made[-1]

    yield make
    for each in made:
        each.close()


def alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.01)


def leftovers() -> list[str]:
    """Memory without a name that is open here, and what lies in the system's shared memory."""
    here = [name for path in Path("/proc/self/fd").iterdir() if "aimass-host" in (name := _target(path))]
    return here + sorted(str(path) for path in Path("/dev/shm").iterdir())


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:  # the descriptor of the listing itself
        return ""
