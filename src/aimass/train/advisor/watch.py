"""Time, and what disturbs it: both are asked of a `Watch`, so that tests can bring their own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from aimass.measure.machine import ticks

try:
    import resource
except ImportError:  # only POSIX counts context switches
    resource = None  # type: ignore[assignment]


class Pressure(NamedTuple):
    """Counters that only grow: clock ticks stolen by other guests, all ticks, switches this process did not want."""

    stolen: int
    ticks: int
    switches: int


def pressure() -> Pressure:
    """As of now; zeros where the system does not tell.  About 60 microseconds: outside the timed part."""
    stolen, every = ticks() or (0, 0)
    return Pressure(stolen, every, resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw if resource else 0)


@dataclass(frozen=True)
class Watch:
    """NOW in seconds; PRESSED tells the pressure so far."""

    now: Callable[[], float] = time.perf_counter
    pressed: Callable[[], Pressure] = pressure


@dataclass(frozen=True)
class Limits:
    """Beyond these a pair of blocks counts as disturbed.  Fixed before the pairs are seen.

    Steal is told in ticks of 10 ms, so a single one says little: two at least.
    """

    steal: float = 0.05  # share of the ticks
    switches: float = math.inf  # a second

    def disturbed(self, before: Pressure, after: Pressure, seconds: float) -> bool:
        stolen, every = after.stolen - before.stolen, max(1, after.ticks - before.ticks)
        return (stolen >= 2 and stolen / every > self.steal) or rate(before, after, seconds) > self.switches


def rate(before: Pressure, after: Pressure, seconds: float) -> float:
    """Unwanted context switches a second."""
    return (after.switches - before.switches) / max(seconds, 1e-9)
