"""Numbers: centred and scaled; what is missing becomes the mean, and says so in a column of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Field
from aimass.prepare.arrays import numbers
from aimass.prepare.base import Column, Fitted, Preparer

if TYPE_CHECKING:
    from aimass.prepare.graph import Builder


TAIL = 1000  # of as many rows, the smallest and the largest do not count


class Number(Preparer):
    """(x - mean) / std, cut off at CLIP; infinite values count as the cut-off, NaN and null as missing."""

    clip: float = knob(30.0, 1.0, 1e6, log=True, help="standard deviations at which a value is cut off")

    def fit(self, column: Column, values: pa.ChunkedArray) -> Fitted:
        """Mean and standard deviation of the finite values, their tails pulled in; whether any is missing."""
        if column.type not in ("integer", "number", "boolean"):
            raise InputError(
                f"column {column.name} holds {column.type}, not numbers",
                expected="a column of numbers",
                todo="give its type in [clean.contract], or prepare it as a category or a text",
            )
        x = numbers(values)
        finite = x[np.isfinite(x)]
        mean, std = _mean_and_std(_without_tails(finite))
        shown = tuple(f"{v:g}" for v in finite[:3])
        field = Field(column.name, "float64", kind="number", sent=column.type, values=shown)
        facts = {"mean": mean, "std": std, "clip": self.clip, "missing": bool(np.isnan(x).any())}
        return Fitted(field, facts)

    @classmethod
    def compile(cls, fitted: Sequence[Fitted], build: Builder) -> None:
        """float64 [N] each -> float32 [N, columns + columns with missing values]"""
        constants = [f.constants for f in fitted]
        raw = build.side_by_side([build.column(f.field.name) for f in fitted])
        missing = build.op("IsNaN", raw)
        mean = build.const([[c["mean"] for c in constants]], np.float64)
        known = build.op("Where", missing, mean, raw)
        limit = np.array([[c["clip"] for c in constants]])
        scaled = build.op("Div", build.op("Sub", known, mean), build.const([[c["std"] for c in constants]], np.float64))
        cut = build.op("Max", build.op("Min", scaled, build.const(limit)), build.const(-limit))
        build.numbers(build.op("Cast", cut, to=1), len(fitted))
        flagged = [i for i, c in enumerate(constants) if c["missing"]]
        if flagged:
            flags = build.op("Gather", missing, build.const(flagged, np.int64), axis=1)
            build.numbers(build.op("Cast", flags, to=1), len(flagged))


def _without_tails(x: np.ndarray) -> np.ndarray:
    """X with its outermost thousandths pulled in: one absurd value would squash all others.

    Left as it is where nothing else differs: rare values are then all there is to learn.
    """
    edge = len(x) // TAIL
    if not edge:
        return x
    ends = [edge, len(x) - 1 - edge]
    low, high = np.partition(x, ends)[ends]
    return x.clip(low, high) if low < high else x


def _mean_and_std(x: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of finite X; 1 where no two values differ."""
    if not len(x) or x.min() == x.max():
        return (float(x[0]) if len(x) else 0.0), 1.0
    power = int(np.frexp(np.abs(x).max())[1])
    x = np.ldexp(x, -power)  # exact, and the square of a huge number is no infinity
    return float(np.ldexp(x.mean(), power)), float(np.ldexp(x.std(), power)) or 1.0
