"""Dates: parts of the calendar and the clock, by whole-number arithmetic and tables.

Tables instead of sine and cosine operators: their vectorised forms may round otherwise than their scalar ones.
Calendar from days: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (civil_from_days).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Field
from aimass.prepare.arrays import UNIT, microseconds
from aimass.prepare.base import Column, Fitted, Preparer
from aimass.prepare.rows import MISSING_DATE

if TYPE_CHECKING:
    from aimass.prepare.graph import Builder

MINUTE = 60_000_000  # microseconds
DAY = 1440 * MINUTE
CYCLES = {"month": 12, "day": 31, "weekday": 7, "minute": 1440}  # part -> distinct values


class Date(Preparer):
    """Year, and month, day of month, weekday (Monday 0) and minute of the day as value, sine and cosine.

    Only parts that vary in training are kept; a missing date says so in a column of its own.
    """

    year: bool = knob(True, help="keep the year; a later year than any in training counts as the last one")

    def fit(self, column: Column, values: pa.ChunkedArray) -> Fitted:
        """Which parts vary, and the range of years."""
        if column.type not in ("timestamp", "date"):
            raise InputError(
                f"column {column.name} holds {column.type}, not dates",
                expected="a column of times or dates",
                todo='give its type in [clean.contract], for example { type = "timestamp" }',
            )
        stamps = microseconds(values)
        known = stamps[stamps != MISSING_DATE]
        days = known.astype("datetime64[us]").astype("datetime64[D]")
        month = days.astype("datetime64[M]")
        parts = {
            "month": month.astype(int) % 12,
            "day": (days - month.astype("datetime64[D]")).astype(int),
            "weekday": (days.astype(int) + 3) % 7,
            "minute": (known % DAY) // MINUTE,
        }
        years = days.astype("datetime64[Y]").astype(int) + 1970
        first, last = (int(years.min()), int(years.max())) if len(years) else (1970, 1970)
        facts = {
            "parts": [name for name, value in parts.items() if len(np.unique(value)) > 1],
            "years": [first, last] if self.year and last > first else None,
            "missing": len(known) < len(stamps),
        }
        field = Field(column.name, "int64", unit=UNIT, kind="date", sent="date")
        return Fitted(field, facts)

    @classmethod
    def compile(cls, fitted: Sequence[Fitted], build: Builder) -> None:
        """int64 [N] each -> float32 [N, 3 a part, 1 for years, 1 for missing]"""
        for column in fitted:
            _compile(column, build)


def _compile(column: Fitted, build: Builder) -> None:
    facts = column.constants

    def const(value: int) -> str:
        return build.const([value], np.int64)

    missing = build.op("Equal", column.field.name, const(MISSING_DATE))
    stamp = build.op("Where", missing, const(0), column.field.name)
    clock = build.op("Mod", stamp, const(DAY))  # ONNX's integer Mod takes the sign of the divisor: never negative
    days = build.op("Div", build.op("Sub", stamp, clock), const(DAY))
    parts = {
        "minute": build.op("Div", clock, const(MINUTE)),
        "weekday": build.op("Mod", build.op("Add", days, const(3)), const(7)),
        **_calendar(days, build),
    }
    present = build.op("Cast", build.op("Not", missing), to=1)
    here = build.column(present)
    for name in facts["parts"]:
        cycle = build.op("Gather", build.const(_cycle(CYCLES[name])), parts[name], axis=0)
        build.numbers(build.op("Mul", cycle, here), 3)
    if facts["years"]:
        first, last = facts["years"]
        inside = build.op("Max", build.op("Min", parts["year"], const(last)), const(first))
        share = build.op("Div", build.op("Cast", build.op("Sub", inside, const(first)), to=1),
                         build.const([last - first], np.float32))  # fmt: skip
        build.numbers(build.column(build.op("Mul", share, present)), 1)
    if facts["missing"] or not (facts["parts"] or facts["years"]):
        build.numbers(build.column(build.op("Cast", missing, to=1)), 1)


def _calendar(days: str, build: Builder) -> dict[str, str]:
    """Year, month (0..11) and day of the month (0..30) of a day number since 1970-01-01."""

    def c(value: int) -> str:
        return build.const([value], np.int64)

    def op(kind: str, a: str, b: str) -> str:
        return build.op(kind, a, b)

    shifted = op("Add", days, c(719_468))  # days since 0000-03-01
    of_era = op("Mod", shifted, c(146_097))
    era = op("Div", op("Sub", shifted, of_era), c(146_097))
    leaps = op("Sub", op("Sub", op("Div", of_era, c(36_524)), op("Div", of_era, c(1_460))),
               op("Div", of_era, c(146_096)))  # fmt: skip
    year_of_era = op("Div", op("Add", of_era, leaps), c(365))
    before = op("Sub", op("Add", op("Mul", year_of_era, c(365)), op("Div", year_of_era, c(4))),
                op("Div", year_of_era, c(100)))  # fmt: skip
    day_of_year = op("Sub", of_era, before)  # from 1 March
    from_march = op("Div", op("Add", op("Mul", day_of_year, c(5)), c(2)), c(153))
    day = op("Sub", day_of_year, op("Div", op("Add", op("Mul", from_march, c(153)), c(2)), c(5)))
    month = op("Mod", op("Add", from_march, c(2)), c(12))
    january = op("Div", op("Add", from_march, c(2)), c(12))  # 1 in January and February
    year = op("Add", op("Add", year_of_era, op("Mul", era, c(400))), january)
    return {"year": year, "month": month, "day": day}


def _cycle(size: int) -> np.ndarray:
    """float32 [SIZE, 3]: the value scaled to -1..1, sine and cosine of its place in the cycle."""
    place = np.arange(size)
    angle = 2 * np.pi * place / size
    return np.stack([2 * place / (size - 1) - 1, np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)
