"""Whether a version that has requests may keep them: its errors and its slow answers, held against the one before.

Knows counts, never requests.  It says no only with enough answers to say so; a version that nobody asks stays on trial.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import dataclass

from aimass.serve.metrics import BUCKETS, Counts

ENOUGH = 50  # answers before anything is said
SURE = 3.0  # standard deviations beyond what was to be expected
ERRORS = 0.01  # share of answers that may be faults of the server where nothing else is known
SLOW = 0.01  # share of answers that may take longer than was promised
LEAST = 0.01  # seconds: what is quicker is quick enough where nothing was promised
SECONDS = 30.0  # on trial, at least


@dataclass(frozen=True)
class Window:
    """Answers, faults of the server among them, and answers by how long they took."""

    answers: int
    faults: int
    buckets: tuple[int, ...]

    def since(self, before: Window) -> Window:
        """What came after BEFORE."""
        buckets = tuple(now - then for now, then in zip(self.buckets, before.buckets, strict=True))
        return Window(self.answers - before.answers, self.faults - before.faults, buckets)

    def slower(self, seconds: float) -> int:
        """Answers that took longer than the first bound from SECONDS on."""
        return sum(self.buckets[bisect_left(BUCKETS, seconds) + 1 :])


def window(counts: Counts) -> Window:
    """All that COUNTS saw."""
    faults = sum(n for status, n in counts.statuses.items() if status >= 500)
    return Window(counts.statuses.total(), faults, tuple(counts.buckets))


class Trial:
    """Of NEW, after OLD had the requests.  GOAL: seconds in which 99 of 100 answers were promised, 0 for no promise."""

    def __init__(self, new: Counts, old: Counts | None, goal: float, seconds: float = SECONDS) -> None:
        self.new, self.goal = new, goal
        self.begin, self.until = window(new), time.monotonic() + seconds
        self.old = window(old) if old else None

    def verdict(self) -> str | None:
        """Why it must not stay; empty when it may, None while that is not known yet."""
        seen = self.new_window()
        if seen.answers < ENOUGH:
            return None
        wrong = self.faulty(seen) or self.slow(seen)
        if wrong:
            return wrong
        return "" if time.monotonic() >= self.until else None

    def new_window(self) -> Window:
        return window(self.new).since(self.begin)

    def faulty(self, seen: Window) -> str:
        expected = ERRORS
        if self.old and self.old.answers:
            expected = max(expected, self.old.faults / self.old.answers)
        if seen.faults <= most(seen.answers, expected):
            return ""
        return f"{seen.faults} of {seen.answers} answers were faults of the server, {expected:.1%} were to be expected"

    def slow(self, seen: Window) -> str:
        """Against the promise; without one, against the bound that 99 of 100 answers of the old version kept."""
        bound = self.goal or self._kept()
        if not bound:
            return ""
        expected = max(SLOW, self.old.slower(bound) / self.old.answers if self.old and self.old.answers else 0.0)
        late = seen.slower(bound)
        if late <= most(seen.answers, expected):
            return ""
        return (
            f"{late} of {seen.answers} answers took more than {1000 * bound:g} ms, {expected:.1%} were to be expected"
        )

    def _kept(self) -> float:
        """Four times what 99 of 100 answers of the old version took, at least LEAST; 0 where it had too few."""
        if self.old is None or self.old.answers < ENOUGH:
            return 0.0
        bound = next((b for b in BUCKETS if self.old.slower(b) <= SLOW * self.old.answers), 0.0)
        return max(LEAST, 4 * bound) if bound else 0.0


def most(answers: int, expected: float) -> float:
    """How many of ANSWERS may be bad before more than the EXPECTED share must be."""
    mean = answers * expected
    spread: float = (mean * (1 - expected)) ** 0.5
    return mean + SURE * spread
