"""Which process a number means: numbers come again, together with its start they do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

STARTED = 19  # field of /proc/PID/stat behind the name, which may hold blanks and brackets: ticks since the boot


def started(pid: int) -> str:
    """When process PID began, as its system tells it apart from any other of that number; "" when there is none."""
    if sys.platform != "linux":
        return subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    facts = told.rpartition(")")[2].split()
    return "" if facts[0] in "ZX" else f"{boot}/{facts[STARTED]}"  # a zombie does nothing any more


def is_alive(pid: int, since: str) -> bool:
    """Whether the process PID that began at SINCE still runs."""
    return bool(since) and started(pid) == since


def here() -> str:
    """This process, for others of this machine."""
    return f"{os.getpid()}@{started(os.getpid())}"


def lives(name: str) -> bool:
    """Whether the process that `here` called NAME still runs."""
    pid, _, since = name.partition("@")
    return pid.isdecimal() and is_alive(int(pid), since)
