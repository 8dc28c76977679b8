"""What this machine has and uses, and what a process with all it started uses of it; where the system tells (Linux)."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from aimass.runner.machine import proc

AGAIN = 1.0  # seconds: a look that is younger is looked at again


class Used(NamedTuple):
    """CPU in cores since the look before, MEMORY in bytes with shared pages; None where nobody knows (yet)."""

    cpu: float | None
    memory: int | None


class Host:
    """Looks at processes; shares of time are of what went by since the look before."""

    def __init__(self, root: Path = proc.PROC) -> None:
        self.root = root
        self._looked = 0.0
        self._now: dict[int, proc.Process] = {}
        self._spans: dict[int, float] = {}  # cores, by process
        self._busy = (0.0, 0.0)  # of all cores: busy seconds, and all of them
        self._share: float | None = None
        self._turn = threading.Lock()
        self.look()  # what comes next is told since then

    def look(self) -> None:
        """Look now, unless that was done a moment ago."""
        with self._turn:
            clock = time.monotonic()
            gone = clock - self._looked
            if self._looked and gone < AGAIN:
                return
            before, self._now = self._now, proc.processes(self.root)
            spans = {pid: one.seconds - before[pid].seconds for pid, one in self._now.items() if pid in before}
            self._spans = {pid: max(0.0, span) / gone for pid, span in spans.items()}
            self._all()
            self._looked = clock

    def _all(self) -> None:
        try:
            busy, whole = proc.busy(self.root)
        except OSError:
            return
        past, self._busy = self._busy, (busy, whole)
        self._share = (busy - past[0]) / (whole - past[1]) if past[1] and whole > past[1] else None

    def of(self, pid: int) -> Used:
        """What PID and all that it started use."""
        mine = proc.tree(self._now, pid)
        if not mine:
            return Used(None, None)
        known = [self._spans[one] for one in mine if one in self._spans]
        return Used(sum(known) if known else None, sum(self._now[one].memory for one in mine))

    def facts(self, folder: Path) -> dict[str, Any]:
        """Of the machine; FOLDER is on the disk that is meant."""
        disk, (total, free) = shutil.disk_usage(folder), proc.memory(self.root)
        return {
            "name": socket.gethostname(), "system": f"{platform.system()} {platform.release()}",
            "cores": os.cpu_count() or 1, "cpu": self._share, "load": list(os.getloadavg()),
            "memory": total, "memory_used": None if total is None or free is None else total - free,
            "disk": disk.total, "disk_used": disk.total - disk.free,
        }  # fmt: skip
