"""How far rows are apart when their columns are of several kinds, and whether a row looks like the background."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.explain.game import spread
from aimass.prepare.rows import MISSING_DATE

COMPARED = 100  # rows of the background that a row is compared with


def missing(values: np.ndarray) -> np.ndarray:
    """Which of VALUES [N] are missing: bool [N]."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    return np.asarray(values == (MISSING_DATE if values.dtype.kind == "i" else ""))


class Nearness:
    """Distances between rows, a column counting from 0 (the same) upwards (1: as far as rows usually are apart)."""

    def __init__(self, background: Tensors, fields: Sequence[Field]) -> None:
        self.fields = [field for field in fields if field.dtype != "uint8" and field.kind != "text"]
        rows = spread(len(next(iter(background.values()))), COMPARED)
        self.background = {field.name: np.asarray(background[field.name])[rows] for field in self.fields}
        self.scales = {field.name: _scale(self.background[field.name]) for field in self.fields}
        self.rows = len(rows)

    def between(self, row: Tensors, others: Tensors) -> np.ndarray:
        """Sum over columns of how far ROW [1, ...] is from each of OTHERS [M, ...]: float64 [M]"""
        parts = [self._column(f.name, np.asarray(row[f.name]), np.asarray(others[f.name])) for f in self.fields]
        return np.asarray(np.sum(parts, axis=0)) if parts else np.zeros(1)

    def nearest(self, row: Tensors) -> float:
        """How far ROW is from the nearest row of the background."""
        return float(self.between(row, self.background).min())

    @cached_property
    def usual(self) -> float | None:
        """How far all but one in twenty rows of the background are from their nearest one; None for too few rows."""
        if self.rows < 3 or not self.fields:
            return None
        apart = np.zeros((self.rows, self.rows))
        for name, values in self.background.items():
            apart += self._column(name, values[:, None], values[None, :])
        np.fill_diagonal(apart, np.inf)
        return float(np.quantile(apart.min(axis=0), 0.95))

    def _column(self, name: str, own: np.ndarray, others: np.ndarray) -> np.ndarray:
        other = np.asarray(others != own).astype(np.float64)
        if others.dtype.kind not in "fi":
            return other
        known = ~missing(others) & ~missing(own)
        apart = np.where(known, others.astype(np.float64) - own.astype(np.float64), 0.0)
        return np.where(known, np.abs(apart) / self.scales[name], np.where(missing(own) & missing(others), 0.0, 1.0))


def _scale(values: np.ndarray) -> float:
    """Mean distance of two rows from each other; 1 where all are alike."""
    if values.dtype.kind not in "fi":
        return 1.0
    known = np.sort(values[~missing(values)].astype(np.float64))
    known = known[np.isfinite(known)]
    if len(known) < 2 or known[0] == known[-1]:
        return max(1.0, abs(float(known[0]))) if len(known) else 1.0
    ranks = 2 * np.arange(1, len(known) + 1) - len(known) - 1
    return float(2 * (ranks * known).sum() / (len(known) * (len(known) - 1)))  # Gini's mean difference
