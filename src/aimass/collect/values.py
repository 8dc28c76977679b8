"""How values are kept: dicts as text that `clean` finds the types of, Arrow columns in the types of the lake."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import uuid
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aimass.core.errors import InputError


def text_table(dicts: list[dict[str, Any]]) -> pa.Table:
    """Rows as text columns.  Raises InputError for rows without names, UnicodeEncodeError for lone surrogates."""
    names = list(dict.fromkeys(name for row in dicts for name in row))
    strange = next((name for name in names if not isinstance(name, str)), None)
    if strange is not None or not names:
        what = "rows without columns" if strange is None else f"a row with the column name {strange!r}"
        raise InputError(f"the collector yielded {what}", expected="dicts with text as keys, one at least")
    texts = [[_text(row.get(name), name) for row in dicts] for name in names]
    return pa.table([pa.array(t, pa.string()) for t in texts], names=names)


def as_json(value: Any) -> str:
    """VALUE as JSON; what JSON lacks is null (not a number) or text (infinity, dates)."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_without_nan(value), ensure_ascii=False, default=str)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if value != value else str(value)
    return value


def _text(value: Any, name: str) -> str | None:
    """How VALUE of a dict is kept: JSON's own spelling of numbers and booleans, ISO 8601 for times."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return None if value != value else repr(value)
    if isinstance(value, (int, decimal.Decimal)):
        return str(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple, dict)):
        return as_json(value)
    if isinstance(value, (uuid.UUID, np.datetime64)):
        return None if value != value else str(value)
    if isinstance(value, datetime.timedelta):
        return repr(value.total_seconds())
    if isinstance(value, (np.generic, np.ndarray)):
        return _text(value.tolist(), name)
    raise InputError(
        f"column {name} holds a {type(value).__name__}",
        expected="text, numbers, booleans, dates, lists or tables",
        todo="leave the column out or convert it in the source; a Python collector may yield Arrow batches",
    )


def sendable(text: str) -> str:
    """TEXT in which half characters are spelled out, so that it is UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def lake_type(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """COLUMN in a type that every Delta reader knows: text, binary, boolean, 64-bit numbers, UTC times, dates."""
    kind = column.type
    if isinstance(kind, pa.DictionaryType):
        return lake_type(column.cast(kind.value_type), name)
    if pa.types.is_nested(kind):
        texts = [None if v is None else as_json(v) for v in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    wanted = _wanted(kind, name)
    if wanted == kind:
        return column
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return pc.assume_timezone(column.cast(pa.timestamp("us"), safe=False), "UTC")
    if pa.types.is_duration(kind):
        column = column.cast(pa.duration("us"), safe=False)
    try:
        return column.cast(wanted, safe=not pa.types.is_timestamp(kind))
    except pa.ArrowInvalid as error:
        raise InputError(f"column {name} ({kind}) does not fit into {wanted}: {error}", expected=f"values of {wanted}",
                         todo="convert it in the source, for example to text") from error  # fmt: skip


def _wanted(kind: pa.DataType, name: str) -> pa.DataType:
    types = pa.types
    if types.is_integer(kind):
        return pa.int64()
    if types.is_decimal(kind) and kind.scale == 0:
        return pa.int64() if kind.precision <= 18 else pa.string()  # ids: a float would make one of many
    if types.is_floating(kind) or types.is_decimal(kind):
        return pa.float64()
    if types.is_timestamp(kind):
        return pa.timestamp("us", "UTC")
    if types.is_date(kind):
        return pa.date32()
    if types.is_boolean(kind):
        return kind
    if any(test(kind) for test in (types.is_binary, types.is_large_binary, types.is_fixed_size_binary,
                                   types.is_binary_view)):  # fmt: skip
        return pa.binary()
    if any(test(kind) for test in (types.is_string, types.is_large_string, types.is_string_view, types.is_null,
                                   types.is_time)):  # fmt: skip
        return pa.string()
    if types.is_duration(kind):
        return pa.int64()  # microseconds
    raise InputError(f"column {name} has the type {kind}", expected="numbers, text, booleans, dates, images",
                     todo="drop or convert it in the source")  # fmt: skip
