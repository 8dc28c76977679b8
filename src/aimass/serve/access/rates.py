"""Token buckets: how much may be taken at once and from then on (RFC 2697, section 3, with one rate)."""

from __future__ import annotations


class Bucket:
    """RATE a second, of which BURST seconds' worth may come at once, one at least.

    Within any T seconds at most `rate` * T + `size` are given.  Times are seconds of a clock that does not go back; one
    that does fills nothing.
    """

    __slots__ = ("last", "left", "rate", "size")

    def __init__(self, rate: float, burst: float = 1.0) -> None:
        self.rate, self.size = rate, max(1.0, rate * burst)
        self.left, self.last = self.size, float("-inf")

    def change(self, rate: float, burst: float) -> None:
        """Go on with another RATE: what was taken stays taken."""
        taken = self.size - self.left
        self.rate, self.size = rate, max(1.0, rate * burst)
        self.left = min(self.size, self.size - taken)

    def wait(self, amount: float, now: float) -> float:
        """Seconds until AMOUNT may be taken: 0 when it may be now, infinity when it is more than a burst."""
        if now > self.last:
            self.left = min(self.size, self.left + self.rate * (now - self.last))
            self.last = now
        if amount <= self.left:
            return 0.0
        return (amount - self.left) / self.rate if amount <= self.size else float("inf")

    def take(self, amount: float) -> None:
        """After `wait` said 0."""
        self.left -= amount
