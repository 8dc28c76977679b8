"""What a host may take: memory, processor, time; and how often it may fail."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from aimass.core.part import Settings, knob

SPARE = 1 << 30  # bytes: stacks and arenas that are set aside and never touched count as data, but not as held


class Limits(Settings):
    """What a host may take, and how often it may fail."""

    memory_mb: float = knob(0.0, 0.0, help="megabytes it may hold; 0: half of the machine's")
    seconds: float = knob(30.0, 0.01, 86_400.0, help="a call may take; it waits as long for a process to start again")
    load_seconds: float = knob(120.0, 0.1, 86_400.0, help="it may take until it is ready")
    nice: int = knob(5, 0, 19, help="how far it stands back when processors are short: the server goes first")
    cores: int = knob(0, 0, 1024, help="processor cores it may use; 0: all of them")
    failures: int = knob(8, 1, 10_000, help="so many within the window, and it is not started again")
    window: float = knob(300.0, 0.1, 86_400.0, help="seconds in which failures count")
    room_mb: float = knob(1024.0, 1.0, 65_536.0, help="megabytes of columns of one call, and of its answers, at most")

    def bytes_held(self) -> int:
        """Bytes that the process may hold."""
        if self.memory_mb:
            return int(self.memory_mb * 1e6)
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def take(limits: Limits) -> None:
    """In the process itself: bind it to LIMITS, before anything of the model is read.

    RLIMIT_DATA, not RLIMIT_AS: address space is set aside by the gigabyte and costs nothing.  No RLIMIT_CPU: it counts
    from the start of the process, and a host lives for months; a call that computes without end meets `seconds`.
    """
    most = limits.bytes_held() + SPARE
    for kind, value in ((resource.RLIMIT_DATA, most), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    os.nice(limits.nice)
    if limits.cores and sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-limits.cores :])


def held(process: int) -> int | None:
    """Bytes of memory that nobody but PROCESS holds, swapped out or not; None where the system does not say.

    Mapped files are left out: weights read from a file are the system's to drop.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    if "RssAnon" not in facts:
        return None
    return sum(int(facts[name].split()[0]) * 1024 for name in ("RssAnon", "VmSwap") if name in facts)
