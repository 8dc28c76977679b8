"""Means of what players gained, and how sure they are.   B = rows of the background, W = figures"""

from __future__ import annotations

import numpy as np

from aimass.measure.intervals import student

RARE = 3  # gains' worth of doubt: the rule of three


class Tally:
    """Means and spreads of gains, apart for each row of the background (Welford 1962)."""

    def __init__(self, background: int, width: int) -> None:
        self.count = np.zeros(background, int)
        self.mean = np.zeros((background, width))
        self.squares = np.zeros((background, width))

    def add(self, behind: int, gains: np.ndarray) -> None:
        self.count[behind] += 1
        off = gains - self.mean[behind]
        self.mean[behind] += off / self.count[behind]
        self.squares[behind] += off * (gains - self.mean[behind])

    @property
    def shares(self) -> np.ndarray:
        return np.asarray(self.mean[self.count > 0].mean(axis=0))

    def errors(self, population: int, *, exact: bool = False) -> np.ndarray:
        """Half of a 95 % interval about the mean over a background of POPULATION rows; NaN where nothing is known.

        Once every row had its turn, orders are left to chance, and their spread is seen where a row had two; EXACT
        gains leave nothing to it.  Rows of the population that had no turn are left to chance as well.
        """
        used = self.count > 0
        count, rows = self.count[used], int(used.sum())
        if rows == population and exact:
            return np.zeros(self.mean.shape[1])
        turned = exact or (used.all() and count.min() > 1)
        if (rows < 2 and rows < population) or (rows < 2 and not turned):
            return np.full(self.mean.shape[1], np.nan)
        parts, freedom = self._orders(used) if turned and not exact else (np.zeros((0, self.mean.shape[1])), count[:0])
        if rows < population or not turned:
            between = self.mean[used].var(axis=0, ddof=1) / rows * (1 - rows / population if turned else 1.0)
            parts, freedom = np.concatenate([parts, between[None]]), np.append(freedom, rows - 1)
        variance = parts.sum(axis=0)
        # Welch and Satterthwaite 1946: rows of the background differ in how much orders matter before them
        with np.errstate(invalid="ignore"):
            free = np.nan_to_num(variance**2 / (parts**2 / freedom[:, None]).sum(axis=0), nan=1e9)
        if not exact:  # what is rare may not have been seen yet: no figure is surer than this beside the least sure one
            variance = np.maximum(variance, variance.max() * RARE / count.sum())
        return np.asarray(np.array([student(max(1, int(f))) for f in free]) * np.sqrt(variance))

    def _orders(self, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What orders add to the variance of the mean [R, W], and its degrees of freedom, by row."""
        count = self.count[used]
        return self.squares[used] / ((count - 1) * count)[:, None] / len(count) ** 2, count - 1
