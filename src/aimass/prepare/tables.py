"""Raw rows as arrays by column name, from tables of our own; and as the records a caller would send."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from aimass.core.signature import Field
from aimass.prepare.arrays import array_of, instants


def from_arrow(table: pa.Table, fields: Sequence[Field]) -> dict[str, np.ndarray]:
    """The raw columns of TABLE (as a cleaned dataset has them) as one array a field."""
    return {field.name: array_of(table[field.name], field) for field in fields}


def to_json_records(table: pa.Table, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """The rows of TABLE as a caller would send them: what `from_records` takes."""
    columns = [[_sent(value, field) for value in _values(table[field.name])] for field in fields]
    names = [field.name for field in fields]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Python's values; times in UTC, where the years 1 and 9999 have no neighbours to fall over to."""
    found: list[Any] = (instants(column) if pa.types.is_timestamp(column.type) else column).to_pylist()
    return found


def _sent(value: Any, field: Field) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if field.dtype == "uint8":
        return np.frombuffer(value, np.uint8).reshape(field.shape).tolist()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if field.sent == "string" and not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value
