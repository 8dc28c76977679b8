"""Looks summed up: what went on between two reports, and what several processes of one run come to together."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Sequence
from typing import Any

from aimass.runner.machine.gpus import Gpus, Told
from aimass.runner.machine.look import Look
from aimass.store.figures import MACHINE

GB, MB = 1e9, 1e6
Reading = dict[str, Any]  # JSON: what one process with all it started, and its host, did in a stretch of time


class Stretch:
    """What goes on from now on: rates over all of it, of memory the most that any look saw.

    Processor time is counted by the kernel, so nothing is lost between looks; of memory what comes and goes between
    two looks is.
    """

    def __init__(self, begin: Look, gpus: Gpus) -> None:
        self.begin = self.end = begin
        self.memory, self.used = begin.memory, begin.used
        self.gpus, self._seen = gpus, list[Told]()

    @property
    def seconds(self) -> float:
        return self.end.clock - self.begin.clock

    def add(self, now: Look) -> None:
        """NOW belongs to it."""
        self.end = now
        self.memory, self.used = _most(self.memory, now.memory), _most(self.used, now.used)
        self._seen.append(self.gpus.look(now.pids))

    def reading(self) -> Reading:
        """All of it, as rates a second (CPU and BUSY in cores) and bytes."""
        return {
            "host": socket.gethostname(), "cores": os.cpu_count() or 1, "memory": self.memory, "used": self.used,
            **{name: self._rate(name) for name in ("cpu", "read", "written", "busy")}, "gpus": self._gpus(),
        }  # fmt: skip

    def _gpus(self) -> Told:
        """By device, how busy it was at the looks on an average, and the most it held."""
        by_device: dict[str, list[tuple[float, int]]] = {}
        for told in self._seen:
            for uuid, one in told.items():
                by_device.setdefault(uuid, []).append(one)
        return {uuid: (sum(busy for busy, _ in seen) / len(seen), max(held for _, held in seen))
                for uuid, seen in by_device.items()}  # fmt: skip

    def _rate(self, name: str) -> float | None:
        """Never below nothing: what a process used that somebody else has waited for is gone."""
        before, now = getattr(self.begin, name), getattr(self.end, name)
        return None if before is None or now is None else max(0.0, now - before) / self.seconds


def figures(readings: Sequence[Reading]) -> dict[str, float]:
    """What READINGS of all processes of a run come to, by the names of figures; what belongs to a host counts once."""
    hosts = list({one["host"]: one for one in readings}.values())
    cores = sum(one["cores"] for one in hosts)
    gpus = {uuid: told for one in readings for uuid, told in one["gpus"].items()}.values()
    found = {
        "run_cpu_percent": _sum(readings, "cpu", 100 / cores, 100),
        "cpu_percent": _sum(hosts, "busy", 100 / cores, 100),
        "run_memory_gb": _sum(readings, "memory", 1 / GB), "memory_gb": _sum(hosts, "used", 1 / GB),
        "read_mb_per_s": _sum(readings, "read", 1 / MB), "written_mb_per_s": _sum(readings, "written", 1 / MB),
        "gpu_percent": sum(busy for busy, _ in gpus) / len(gpus) if gpus else None,
        "gpu_memory_gb": sum(held for _, held in gpus) / GB if gpus else None,
    }  # fmt: skip
    return {MACHINE + name: value for name, value in found.items() if value is not None}


def _sum(readings: Sequence[Reading], name: str, times: float, most: float = math.inf) -> float | None:
    """MOST because the kernel counts in hundredths of a second, and so may count a little more than went by."""
    known = [one[name] for one in readings if one[name] is not None]
    return min(sum(known) * times, most) if known else None


def _most(before: int | None, now: int | None) -> int | None:
    return now if before is None else before if now is None else max(before, now)
