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

PROC = Path("/proc")
PARENT, USER, SYSTEM, PAGES = 1, 11, 12, 21  # fields of /proc/PID/stat behind the name
AGAIN = 1.0  # seconds: a look that is younger is looked at again


class Used(NamedTuple):
    """CPU in cores since the look before, MEMORY in bytes with shared pages; None where nobody knows (yet)."""

    cpu: float | None
    memory: int | None


class _Process(NamedTuple):
    parent: int
    seconds: float
    memory: int


class Host:
    """Looks at processes; shares of time are of what went by since the look before."""

    def __init__(self, proc: Path = PROC) -> None:
        self.proc = proc
        self._looked = 0.0
        self._now: dict[int, _Process] = {}
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
            found = {int(one.name): facts for one in self.proc.glob("[0-9]*") if (facts := _process(one))}
            before, self._now = self._now, found
            spans = {pid: one.seconds - before[pid].seconds for pid, one in found.items() if pid in before}
            self._spans = {pid: max(0.0, span) / gone for pid, span in spans.items()}
            self._all()
            self._looked = clock

    def _all(self) -> None:
        try:
            told = (self.proc / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
        except OSError:
            return
        numbers = [float(one) for one in told]
        busy, whole = sum(numbers) - numbers[3] - numbers[4], sum(numbers)
        past, self._busy = self._busy, (busy, whole)
        self._share = (busy - past[0]) / (whole - past[1]) if past[1] and whole > past[1] else None

    def of(self, pid: int) -> Used:
        """What PID and all that it started use."""
        mine = {pid} & self._now.keys()
        while more := {one for one, facts in self._now.items() if facts.parent in mine} - mine:
            mine |= more
        if not mine:
            return Used(None, None)
        known = [self._spans[one] for one in mine if one in self._spans]
        return Used(sum(known) if known else None, sum(self._now[one].memory for one in mine))

    def facts(self, folder: Path) -> dict[str, Any]:
        """Of the machine; FOLDER is on the disk that is meant."""
        disk, (total, free) = shutil.disk_usage(folder), _memory(self.proc)
        return {
            "name": socket.gethostname(), "system": f"{platform.system()} {platform.release()}",
            "cores": os.cpu_count() or 1, "cpu": self._share, "load": list(os.getloadavg()),
            "memory": total, "memory_used": None if total is None or free is None else total - free,
            "disk": disk.total, "disk_used": disk.total - disk.free,
        }  # fmt: skip


def _process(folder: Path) -> _Process | None:
    try:
        facts = (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile
        return None
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    return _Process(int(facts[PARENT]), (int(facts[USER]) + int(facts[SYSTEM])) / tick, int(facts[PAGES]) * page)


def _memory(proc: Path) -> tuple[int | None, int | None]:
    """Bytes that there are, and that could be had."""
    try:
        lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None, None
    facts = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return facts.get("MemTotal"), facts.get("MemAvailable")
