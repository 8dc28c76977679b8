"""How much longer rows take than the model does: between two calls, answers are told and requests are read."""

from __future__ import annotations

from aimass.serve.batch.profile import FOLLOW


class Pace:
    """Exponentially weighted seconds of calls, and of the gaps between calls while somebody waited.

    Of small models the gaps are most of it; of large ones they grow when many are refused meanwhile.
    """

    __slots__ = ("begun", "between", "called", "ended")

    def __init__(self) -> None:
        self.called = self.between = 0.0
        self.begun = self.ended = 0.0  # the call under way, and the one before it; 0: nobody waited

    def begins(self, now: float) -> None:
        """A call does, at NOW (`time.perf_counter`)."""
        if self.ended:
            self.between += FOLLOW * (now - self.ended - self.between)
        self.begun = now

    def ends(self, now: float) -> None:
        """The call under way does."""
        self.called += FOLLOW * (now - self.begun - self.called)
        self.ended = now

    def rests(self) -> None:
        """Nobody waits: what passes until the next call is no gap."""
        self.ended = 0.0

    @property
    def factor(self) -> float:
        """Seconds that pass for each of the model's."""
        return 1.0 + self.between / self.called if self.called else 1.0
