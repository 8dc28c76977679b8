"""What the holders of keys have taken: a few numbers a key, here of one process.

Each number can be read while another is written, and is whole whenever it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

NEVER = float("-inf")  # a bucket that nobody has taken from was empty then

# Numbers of a tally: the moments of two buckets, and the rows of a window: which one, how many were taken here, how
# many of these the file of quotas knows, and how many it knows beside them.
REQUESTS, ROWS, WINDOW, TAKEN, SAVED, ELSEWHERE = range(6)
SIZE = 6


if TYPE_CHECKING:
    Numbers = list[float] | memoryview[float]


class Tally:
    """Of one key: NUMBERS from AT on.  `with` it while they are changed, so that nobody else changes them."""

    __slots__ = ("at", "numbers")

    def __init__(self, numbers: Numbers, at: int = 0) -> None:
        self.numbers, self.at = numbers, at

    def __enter__(self) -> None:
        """Nobody else is there."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nobody waits."""

    def __getitem__(self, which: int) -> float:
        return self.numbers[self.at + which]

    def __setitem__(self, which: int, value: float) -> None:
        self.numbers[self.at + which] = value


class Tallies:
    """By the id of their key.  SHARED: other processes see them, too, and another one keeps their file."""

    shared = False

    def __init__(self) -> None:
        self.known: dict[str, Tally] = {}

    def of(self, id: str) -> Tally:
        """Of key ID; nothing was taken at first.  Raises InputError when there is no room."""
        found = self.known.get(id)
        if found is None:
            found = self.known[id] = self._new(id)
        return found

    def _new(self, id: str) -> Tally:
        return Tally([NEVER, NEVER, *[0.0] * (SIZE - 2)])

    def all(self) -> Iterator[tuple[str, Tally]]:
        """Every key that has one, with it."""
        yield from self.known.items()
