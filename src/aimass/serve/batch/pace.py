"""How much longer rows take than calls of the model let expect: requests are read and answered meanwhile, and calls may
be smaller than they could be."""

from __future__ import annotations

from aimass.serve.batch.profile import FOLLOW


class Pace:
    """Exponentially weighted seconds from the end of a call to the end of the next, had and expected.

    Only where somebody waited in between: what passes while nobody asks says nothing.
    """

    __slots__ = ("ended", "expected", "taken")

    def __init__(self) -> None:
        self.taken = self.expected = 0.0
        self.ended = 0.0  # the last call, where others waited then; else 0

    def took(self, now: float, expected: float) -> None:
        """A call whose rows were EXPECTED to take so many seconds ends NOW (`time.perf_counter`)."""
        if self.ended:
            self.taken += FOLLOW * (now - self.ended - self.taken)
            self.expected += FOLLOW * (expected - self.expected)
        self.ended = now

    def rests(self) -> None:
        """Nobody waits."""
        self.ended = 0.0

    @property
    def factor(self) -> float:
        """Seconds that pass for each that is expected; one at least."""
        return max(1.0, self.taken / self.expected) if self.expected else 1.0
