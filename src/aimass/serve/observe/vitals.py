"""The state of the process that answers: who is connected, how late the event loop is, memory, time."""

from __future__ import annotations

import asyncio
import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from aimass.serve.http.crowd import Crowd

LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)  # seconds
EVERY = 0.1  # seconds between looks at the event loop
COUNTERS = ("connections", "versions", "workers")


@dataclass
class Facts:
    """Of one process, or of several together: all add up, but for `started`, of which the first counts."""

    connections: Counter[str] = field(default_factory=Counter)  # by protocol
    versions: Counter[str] = field(default_factory=Counter)  # by state
    held: int = 0  # bytes
    lags: list[int] = field(default_factory=lambda: [0] * (len(LAGS) + 1))
    lag_seconds: float = 0.0
    memory: int = 0  # bytes
    cpu_seconds: float = 0.0
    files: int = 0
    started: float = field(default_factory=time.time)
    workers: Counter[str] = field(default_factory=Counter)  # by state; none where one process is all of the server
    restarts: int = 0  # of workers

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), **{name: {**getattr(self, name)} for name in COUNTERS}}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        return cls(**{**facts, **{name: Counter(facts[name]) for name in COUNTERS}})

    def merge(self, other: Facts) -> None:
        """Add those of another process.  A version that several hold is as many versions: each has its own state."""
        for name in COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.lags = [a + b for a, b in zip(self.lags, other.lags, strict=True)]
        for name in ("held", "lag_seconds", "memory", "cpu_seconds", "files", "restarts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.started = min(self.started, other.started)


class Vitals:
    """Of this process.  VERSIONS tells how many versions of models are in which state; CROWD who is connected."""

    def __init__(self, versions: Callable[[], Counter[str]], crowd: Crowd | None = None) -> None:
        self.versions, self.crowd = versions, crowd
        self.lags, self.lag_seconds = [0] * (len(LAGS) + 1), 0.0
        self.started = time.time()

    def facts(self) -> Facts:
        """As they are now."""
        crowd = self.crowd
        connections = Counter(connection.speaks for connection in crowd.connections) if crowd else Counter[str]()
        return Facts(
            connections, self.versions(), crowd.held if crowd else 0, [*self.lags], self.lag_seconds, memory(),
            time.process_time(), open_files(), self.started,
        )  # fmt: skip

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at LOOP from now on, until it ends."""
        due = loop.time() + EVERY

        def look() -> None:
            late = max(0.0, loop.time() - due)
            self.lags[bisect_left(LAGS, late)] += 1
            self.lag_seconds += late
            self.watch(loop)

        loop.call_at(due, look)


def memory() -> int:
    """Bytes that are in memory; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def open_files() -> int:
    """Files and sockets; 0 where the system does not tell."""
    try:
        return len([*Path("/proc/self/fd").iterdir()]) - 1  # but for this look itself
    except OSError:
        return 0
