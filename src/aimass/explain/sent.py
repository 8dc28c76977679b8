"""Raw values as a caller sends them: the way back from arrays to JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.prepare.rows import EPOCH, MISSING_DATE


def sent(value: Any, field: Field) -> Any:
    """VALUE of a column as JSON: null for what is missing, ISO 8601 for dates; `from_records` takes it back."""
    if field.dtype == "uint8":
        return np.asarray(value).tolist()
    if field.dtype == "string":
        return _word(str(value), field)
    if field.sent == "date" or field.kind == "date":
        return _date(int(value))
    number = float(value)
    if math.isnan(number):
        return None
    if field.sent == "boolean":
        return bool(number)
    return int(number) if field.sent == "integer" and math.isfinite(number) else number


def _word(text: str, field: Field) -> Any:
    if field.sent in ("", "string"):
        return text
    if text == "":
        return None
    if field.sent == "boolean":
        return text == "true"
    return int(text) if field.sent == "integer" else float(text)


def _date(microseconds: int) -> str | None:
    if microseconds == MISSING_DATE:
        return None
    try:
        return (EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
    except OverflowError:  # before the year 1 or after 9999: ISO 8601 has no such date
        return None


def record(columns: Tensors, row: int, fields: Sequence[Field]) -> dict[str, Any]:
    """Row ROW of COLUMNS as a caller sends it."""
    return {field.name: sent(columns[field.name][row], field) for field in fields}
