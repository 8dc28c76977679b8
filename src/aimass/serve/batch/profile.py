"""How long a model takes for so many rows: learned at warm-up, and from every call since."""

from __future__ import annotations

FOLLOW = 0.1  # weight of a call in its size's running mean
HIGH = 0.95  # the quantile that decides where a call is made
STEP = 0.25  # of the mean: how far the quantile moves at most
SIZES = 32  # powers of two


class Profile:
    """Seconds of a call by its rows, in sizes between powers of two.

    The mean is exponentially weighted.  The quantile is followed by small steps up when a call took longer and much
    smaller ones down when it did not (Ma, Muthukrishnan and Sandler 2013, arXiv 1407.1121).
    """

    def __init__(self) -> None:
        self.rows = [0.0] * SIZES  # mean rows of the calls of a size; 0: none was seen
        self.mean = [0.0] * SIZES
        self.high = [0.0] * SIZES

    def learn(self, rows: int, seconds: float) -> None:
        """A call of ROWS took SECONDS."""
        size = (rows - 1).bit_length()
        if not self.rows[size]:
            self.rows[size], self.mean[size], self.high[size] = rows, seconds, seconds
            return
        self.rows[size] += FOLLOW * (rows - self.rows[size])
        mean = self.mean[size] = self.mean[size] + FOLLOW * (seconds - self.mean[size])
        self.high[size] += STEP * mean * (HIGH if seconds > self.high[size] else HIGH - 1)

    def expected(self, rows: int) -> float:
        """Seconds of a call of ROWS; rather too many than too few where no such call was seen."""
        return self._scaled(self.mean, rows)

    def slow(self, rows: int) -> float:
        """Seconds that all but one in twenty calls of ROWS stay below."""
        return self._scaled(self.high, rows)

    def _scaled(self, seconds: list[float], rows: int) -> float:
        size = (rows - 1).bit_length()
        if self.rows[size]:
            return seconds[size] * max(1.0, rows / self.rows[size])
        below = next((s for s in range(size - 1, -1, -1) if self.rows[s]), None)
        if below is not None:  # a row never costs more in a larger call
            return seconds[below] * rows / self.rows[below]
        return next((seconds[s] for s in range(size + 1, SIZES) if self.rows[s]), 0.0)

    def known(self) -> tuple[list[float], list[float]]:
        """Rows of calls that were seen, and the seconds they took."""
        sizes = [size for size in range(SIZES) if self.rows[size]]
        return [self.rows[size] for size in sizes], [self.mean[size] for size in sizes]

    def most(self, seconds: float, limit: int) -> int:
        """The most rows, at most LIMIT, whose call is expected within SECONDS; one at least."""
        rows = limit
        while rows > 1 and self.expected(rows) > seconds:
            rows //= 2
        return max(1, rows)
