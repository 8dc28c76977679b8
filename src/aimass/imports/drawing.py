"""Rows for trees: on their thresholds, between them, beyond them, and missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

MISSING = 0.1  # of the values


def around(thresholds: Sequence[Sequence[float]], count: int, random: np.random.Generator, dtype: Any) -> np.ndarray:
    """COUNT rows [N, F] in DTYPE: a third of the values exactly on one of the THRESHOLDS of their feature."""
    columns = [_column(np.asarray(values, np.float64), count, random) for values in thresholds]
    rows = np.stack(columns, axis=1) if columns else np.empty((count, 0))
    rows[random.random(rows.shape) < MISSING] = np.nan
    return rows.astype(dtype)


def _column(values: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    if not len(values):
        return random.standard_normal(count)
    low, high = values.min(), values.max()
    margin = max(1.0, (high - low) / 10)
    between = random.uniform(max(low - margin, -1e37), min(high + margin, 1e37), count)
    return np.where(random.random(count) < 1 / 3, random.choice(values, count), between)
