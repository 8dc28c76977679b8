"""What processes and their machine have used, as Linux tells it under /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
PARENT, OWN, WAITED, PAGES = 1, slice(11, 13), slice(13, 15), 21  # fields of /proc/PID/stat behind the name


class Process(NamedTuple):
    """SECONDS of processors it has used itself, and all that it started and that have ended (WAITED); MEMORY in bytes
    with what it shares."""

    parent: int
    seconds: float
    waited: float
    memory: int


def processes(proc: Path = PROC) -> dict[int, Process]:
    """All that run, by number."""
    return {int(one.name): facts for one in proc.glob("[0-9]*") if (facts := _process(one))}


def process(pid: int, proc: Path = PROC) -> Process | None:
    """What the process PID has used; None where it has ended."""
    return _process(proc / str(pid))


def below(root: int, proc: Path = PROC) -> list[int]:
    """ROOT and all that it started, asked from process to process, which costs a tenth of looking at all that run.

    Kernels that do not tell who started whom this way are asked for all."""
    if not (proc / str(root) / "task" / str(root) / "children").exists():
        return sorted(tree(processes(proc), root))
    found = [root]
    for pid in found:  # grows while it is walked
        found += _children(proc / str(pid) / "task")
    return found


def tree(found: Mapping[int, Process], root: int) -> set[int]:
    """ROOT and all that it started; none where it is not among FOUND."""
    mine = {root} & found.keys()
    while more := {pid for pid, facts in found.items() if facts.parent in mine} - mine:
        mine |= more
    return mine


def busy(proc: Path = PROC) -> tuple[float, float]:
    """Seconds in which cores worked since the machine began, and seconds of all of them.  Raises OSError."""
    told = (proc / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    numbers = [float(one) / os.sysconf("SC_CLK_TCK") for one in told]
    return sum(numbers) - numbers[3] - numbers[4], sum(numbers)  # without idle, and waiting for disks


def memory(proc: Path = PROC) -> tuple[int | None, int | None]:
    """Bytes that there are, and that could be had; None where nobody knows."""
    try:
        lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None, None
    facts = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return facts.get("MemTotal"), facts.get("MemAvailable")


def moved(pids: Iterable[int], proc: Path = PROC) -> tuple[int, int]:
    """Bytes that PIDS, and those of their children that have ended, had read from disks and written to them."""
    read = written = 0
    for pid in pids:
        try:
            lines = (proc / str(pid) / "io").read_text(encoding="ascii").splitlines()
        except OSError:  # it has ended meanwhile, or is another user's
            continue
        facts = {name: int(value) for name, _, value in (line.partition(": ") for line in lines)}
        read, written = read + facts["read_bytes"], written + facts["write_bytes"]
    return read, written


def _children(tasks: Path) -> list[int]:
    """Processes that the threads of TASKS started."""
    try:
        return [int(pid) for one in tasks.iterdir() for pid in (one / "children").read_text(encoding="ascii").split()]
    except OSError:  # a thread or the process has ended meanwhile
        return []


def _process(folder: Path) -> Process | None:
    try:
        facts = (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile
        return None
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    own, waited = (sum(map(int, facts[fields])) / tick for fields in (OWN, WAITED))
    return Process(int(facts[PARENT]), own, waited, int(facts[PAGES]) * page)
