"""How many workers there are, and what one may do before it is replaced."""

from __future__ import annotations

import os
import sys

from aimass.core.part import Settings, knob

ENOUGH = 4  # cores from which on half of them answer


class Workers(Settings):
    """The processes of a server."""

    workers: int = knob(1, 0, 256, help="processes on the port; 0: half of the cores, from 4 cores on")
    worker_spare: int = knob(1, 0, 1, help="1: a process that has imported everything waits for the next free place")
    worker_memory_mb: int = knob(0, 0, 1 << 24, help="memory of a worker, beyond which another takes over; 0: any")
    worker_silent_seconds: float = knob(10.0, 0.5, 3600.0, help="a worker that says nothing for so long is ended")
    worker_start_seconds: float = knob(300.0, 1.0, 86_400.0, help="a worker may take to load its models")
    worker_failures: int = knob(6, 1, 10_000, help="so many within the window, and it is not started again")
    worker_window: float = knob(60.0, 0.1, 86_400.0, help="seconds in which failures count")

    @property
    def count(self) -> int:
        """How many there are."""
        return self.workers or half(cores())


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def half(number: int) -> int:
    """How many of so many cores read and write; the others are left to the models."""
    return number // 2 if number >= ENOUGH else 1


def option(setting: str) -> str:
    """What a SETTING is called on a command line."""
    return f"--{setting.replace('_', '-')}"
