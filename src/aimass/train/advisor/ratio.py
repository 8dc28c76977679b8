"""How many times faster, and how sure: pure functions on the logarithms of paired times.

The unit is the pair (two blocks side by side share the machine's mood), or a run of pairs where neighbours resemble
each other.  The interval of the median comes from order statistics: no distribution is assumed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from aimass.measure.intervals import CONFIDENCE, quantile_ranks

CORRELATED = 0.2  # lag-1 correlation above which single pairs would give too narrow an interval
LONGEST_RUN = 6  # pairs
FEWEST = 6  # units that bound a median (95 %)


@dataclass(frozen=True)
class Ratio:
    """Time without / time with: above 1 the candidate is faster.

    LOW, HIGH: interval of the median (0 and infinity: too few pairs for a bound).  CHANCE: of so many pairs in favour
    if there were no gain (one-sided sign test).  RUN: pairs to a unit.  DROPPED: disturbed pairs.
    """

    value: float
    low: float
    high: float
    pairs: int
    dropped: int = 0
    run: int = 1
    chance: float = 1.0

    def __str__(self) -> str:
        bounds = f"{self.low:.2f}-{self.high:.2f}" if self.bounded else "no interval"
        return f"{self.value:.2f}x ({bounds})"

    @property
    def bounded(self) -> bool:
        return self.low > 0 and math.isfinite(self.high)

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    @property
    def reach(self) -> float:
        """How far from 1 it may be: half its width, or more where 1 lies outside."""
        return max(self.half_width, self.high - 1 if self.low > 1 else 0.0, 1 - self.low if self.high < 1 else 0.0)

    def wider(self, low: float, high: float) -> Ratio:
        """This ratio with bounds that also hold LOW and HIGH."""
        return Ratio(**{**self.__dict__, "low": min(self.low, low), "high": max(self.high, high)})

    def as_json(self) -> dict[str, Any]:
        """Bounds that do not exist are null."""
        told = {name: round(value, 6) for name, value in self.__dict__.items() if name not in ("low", "high")}
        return {**told, "low": round(self.low, 6) or None, "high": round(self.high, 6) if self.bounded else None}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Ratio:
        return cls(**{**told, "low": told["low"] or 0.0, "high": told["high"] or math.inf})


def ratio_of(logs: Sequence[float], dropped: int = 0, confidence: float = CONFIDENCE) -> Ratio:
    """The ratio that LOGS, log(time without / time with) of each pair in order, speak for."""
    if not logs:
        return Ratio(1.0, 0.0, math.inf, 0, dropped)
    run = run_length(logs)
    units = sorted(median(logs[i : i + run]) for i in range(0, len(logs) - len(logs) % run, run))
    low, high = quantile_ranks(len(units), 0.5, confidence)
    if len(units) < FEWEST <= len(logs):  # too few runs for ranks: the range of all pairs, the widest there is
        units, low, high = sorted(logs), 1, len(logs)
    middle = median(logs)
    return Ratio(
        value=math.exp(middle),
        low=math.exp(min(units[low - 1], middle)) if low else 0.0,
        high=math.exp(max(units[high - 1], middle)) if low and high else math.inf,
        pairs=len(logs),
        dropped=dropped,
        run=run,
        chance=sign_test(units),
    )


def run_length(logs: Sequence[float]) -> int:
    """Pairs to a unit: 1, or so many that units this far apart hardly resemble each other (CORRELATED)."""
    found = lag_one(logs)
    if found <= CORRELATED:
        return 1
    return min(LONGEST_RUN, max(2, math.ceil(math.log(CORRELATED) / math.log(min(found, 0.99)))))


def lag_one(values: Sequence[float]) -> float:
    """Correlation of neighbours; 0 for fewer than eight values, which say nothing about it."""
    if len(values) < 8:
        return 0.0
    centre = fmean(values)
    spread = sum((value - centre) ** 2 for value in values)
    together = sum((one - centre) * (next_ - centre) for one, next_ in pairwise(values))
    return together / spread if spread > 0 else 0.0


def sign_test(units: Sequence[float]) -> float:
    """Chance of at least so many positive UNITS if each sign were a fair coin; zeros count against a gain."""
    n, positive = len(units), sum(unit > 0 for unit in units)
    return float(sum(math.comb(n, k) for k in range(positive, n + 1)) / 2**n)


def holm(chances: Mapping[str, float], level: float = 1 - CONFIDENCE) -> set[str]:
    """Which hypotheses fall when all of CHANCES are judged together (Holm 1979): step down from the smallest."""
    fallen: set[str] = set()
    for name, chance in sorted(chances.items(), key=lambda item: item[1]):
        if chance > level / (len(chances) - len(fallen)):
            break
        fallen.add(name)
    return fallen
