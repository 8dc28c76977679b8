"""One look at this process with all that it started, and at its machine: counters so far, and what is in use now.

On Linux all of it comes from /proc.  Elsewhere the system tells what this process and its children that have ended
used, and the most memory the process ever had; of the machine it tells nothing.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from aimass.runner.machine import proc


class Look(NamedTuple):
    """CPU is seconds of processors, READ and WRITTEN are bytes, all of them so far and of these processes; MEMORY is
    bytes in use.  BUSY (seconds of all cores) and USED (bytes) are the machine's.  None is what nobody tells."""

    clock: float
    pids: tuple[int, ...]
    cpu: float
    memory: int | None
    read: int | None = None
    written: int | None = None
    busy: float | None = None
    used: int | None = None


def look(root: Path = proc.PROC) -> Look:
    """What this process and all that it started have come to.  Raises OSError where /proc does not say."""
    return _told(root) if sys.platform == "linux" else _elsewhere()


def _told(root: Path) -> Look:
    pids = proc.below(os.getpid(), root)
    found = [facts for pid in pids if (facts := proc.process(pid, root))]
    if not found:
        raise OSError(f"{root} does not tell of process {os.getpid()}")
    total, free = proc.memory(root)
    read, written = proc.moved(pids, root)
    return Look(
        time.monotonic(), tuple(pids), sum(one.seconds + one.waited for one in found), sum(one.memory for one in found),
        read, written, proc.busy(root)[0], None if total is None or free is None else total - free,
    )  # fmt: skip


def _elsewhere() -> Look:
    return Look(time.monotonic(), (os.getpid(),), sum(os.times()[:4]), _most())


def _most() -> int | None:
    """The most bytes this process ever had."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    usage: Any = resource
    return int(usage.getrusage(usage.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)
