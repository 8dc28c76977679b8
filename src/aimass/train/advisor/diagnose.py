"""Stage 1: where a step's time goes, and what that allows.  No candidate can save more than the share it touches."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from statistics import median

from aimass.train.advisor.bench import Phase
from aimass.train.advisor.watch import Watch

PARTS = ("data", "copy", "forward", "backward", "update", "sync")
REPEATS = 3
LEAST = 0.01  # seconds a repeat
SLOW = 0.1  # seconds of a call that is not repeated


def shares_of(phases: Mapping[str, Phase], step: float, watch: Watch, deadline: float) -> dict[str, float]:
    """Share of a STEP (seconds) each part takes by itself; parts that overlap may add up to more than 1.

    "backward" is told with its forward, "sync" with both: what they hold of the other is taken off here.  Parts not
    reached before DEADLINE are left out, which counts as "may take everything": nothing is skipped for lack of a look.
    """
    found = {name: 0.0 for name in PARTS if name not in phases}
    for name in PARTS:
        if name in phases and watch.now() < deadline:
            found[name] = seconds_of(phases[name], watch)
    if {"backward", "sync"} <= set(found) & set(phases):
        found["sync"] = max(0.0, found["sync"] - found["backward"])  # what computing does not hide of the exchange
    if {"forward", "backward"} <= set(found):
        found["backward"] = max(0.0, found["backward"] - found["forward"])
    return {name: min(1.0, seconds / step) for name, seconds in found.items()}


def seconds_of(phase: Phase, watch: Watch) -> float:
    """Median of a few repeats, each of at least 10 ms; the first call only warms up, a slow one is timed once."""
    phase(1)
    begin = watch.now()
    phase(1)
    once = watch.now() - begin
    if once > SLOW:
        return once
    count = min(10_000, math.ceil(LEAST / max(once, 1e-6)))
    taken = []
    for _ in range(REPEATS):
        begin = watch.now()
        phase(count)
        taken.append((watch.now() - begin) / count)
    return median(taken)


def touched(shares: Mapping[str, float], parts: Collection[str]) -> float:
    """Share of a step that a candidate working on PARTS can touch; the rest of the step belongs to nobody."""
    return min(1.0, sum(shares.get(part, 1.0) for part in parts))


def bound(share: float) -> float:
    """Most times faster a step becomes when SHARE of it takes no time at all (Amdahl 1967)."""
    return 1 / (1 - min(share, 0.999))


def expected(share: float, typical: float) -> float:
    """Times faster when SHARE of a step becomes TYPICAL times faster: what the order of trying goes by."""
    return 1 / (1 - share + share / typical)


def sentence(shares: Mapping[str, float], step: float) -> str:
    """What most users wanted to know."""
    told = sorted(shares.items(), key=lambda item: -item[1])
    return f"a step takes {1000 * step:.1f} ms: " + ", ".join(f"{name} {share:.0%}" for name, share in told if share)
