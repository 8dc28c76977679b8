"""Token buckets: how much may be taken at once and from then on (RFC 2697, section 3, with one rate).

A bucket is one number, so that it can stand in memory that several processes see: the moment at which it was empty, had
it been filled evenly from then on (the generic cell rate algorithm, ITU-T I.371, annex A).
"""

from __future__ import annotations

from aimass.serve.access.tally import NEVER, Tally

EXACT = 1e-6  # of one: numbers are rounded


class Bucket:
    """RATE a second, of which BURST seconds' worth may come at once, one at least; its moment is number WHICH of TALLY.

    Within any T seconds at most `rate` * T + `size` are given.  Times are seconds of a clock that does not go back; one
    that does fills nothing.  What was taken stays taken when another bucket goes on with the same number.
    """

    __slots__ = ("numbers", "place", "rate", "size")

    def __init__(self, rate: float, burst: float = 1.0, tally: Tally | None = None, which: int = 0) -> None:
        self.rate, self.size = rate, max(1.0, rate * burst)
        tally = tally or Tally([NEVER])
        self.numbers, self.place = tally.numbers, tally.at + which

    def left(self, now: float) -> float:
        """How much may be taken at once."""
        return min(self.size, (now - self.numbers[self.place]) * self.rate)

    def wait(self, amount: float, now: float) -> float:
        """Seconds until AMOUNT may be taken: 0 when it may be now, infinity when it is more than a burst."""
        if amount > self.size:
            return float("inf")
        lacks = amount - self.left(now)
        return lacks / self.rate if lacks > EXACT else 0.0

    def take(self, amount: float, now: float) -> None:
        """After `wait` said 0; what is given back is less than nothing."""
        full = now - self.size / self.rate
        self.numbers[self.place] = max(self.numbers[self.place], full) + amount / self.rate
