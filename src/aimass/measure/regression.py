"""Metrics of values, in plain numpy.   N = rows

`rmse` and `r2` are built of means, so the delta method gives their error; it is applied to the logarithm, because
squared errors are skewed and no bound may be negative.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.measure.base import Figure, Metric
from aimass.measure.intervals import Z

VALUES = ("regression",)


class Mae(Metric):
    """Mean absolute error, in the unit of the target (normal interval of the mean)."""

    tasks: ClassVar[tuple[str, ...]] = VALUES
    better: ClassVar[str] = "lower"

    def value(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> float:
        return float(np.abs(_errors(truth, answer)).mean())

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        error = np.abs(_errors(truth, answer))
        value, half = float(error.mean()), Z * float(error.std(ddof=1)) / np.sqrt(len(error))
        return Figure(value, max(0.0, value - half), value + half, len(error))


class Rmse(Metric):
    """Root of the mean squared error, in the unit of the target."""

    tasks: ClassVar[tuple[str, ...]] = VALUES
    better: ClassVar[str] = "lower"

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        squares = np.square(_errors(truth, answer))
        value = float(np.sqrt(squares.mean()))
        if value == 0:
            return Figure(0.0, 0.0, 0.0, len(squares))
        half = Z * float((squares / squares.mean()).std(ddof=1)) / np.sqrt(len(squares))
        return Figure(value, float(value * np.exp(-half / 2)), float(value * np.exp(half / 2)), len(squares))


class R2(Metric):
    """Share of the target's variance that is explained: 1 - mean squared error / variance."""

    tasks: ClassVar[tuple[str, ...]] = VALUES

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        squares = np.square(_errors(truth, answer))
        spread = np.square(truth - np.mean(truth))
        if spread.mean() == 0:
            raise InputError("r2 does not exist: the target is constant in the test rows", todo="use rmse or mae")
        left = float(squares.mean() / spread.mean())  # share not explained
        if left == 0:
            return Figure(1.0, 1.0, 1.0, len(squares))
        # log(left) = log mean(squares) - log mean(spread): a row's pull on it is the difference of its two shares
        pull = squares / squares.mean() - spread / spread.mean()
        half = Z * float(pull.std(ddof=1)) / np.sqrt(len(squares))
        return Figure(1 - left, float(1 - left * np.exp(half)), float(1 - left * np.exp(-half)), len(squares))


def _errors(truth: np.ndarray, answer: dict[str, Any]) -> np.ndarray:
    """value - truth [N], in float64."""
    if len(truth) < 2:
        raise InputError(f"the test split has {len(truth)} rows", expected="at least 2", todo="collect more rows")
    return np.asarray(answer["value"], dtype=np.float64).reshape(len(truth)) - np.asarray(truth, dtype=np.float64)
