"""Raw rows as arrays by column name, from a caller's records, strictly.

The one place where JSON meets the graph; `tables` does the same for Arrow, and gives the same bytes for the same row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from aimass.core.errors import InputError, suggest
from aimass.core.signature import Field
from aimass.prepare.tensors import tensor_of

MISSING_DATE = -(2**63)
MANY = 16  # values from which on a column is looked at as a whole first
PLAIN: dict[str, set[type]] = {"number": {int, float}, "integer": {int}, "boolean": {bool}}  # held as they are
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXPECTED = {
    "number": "a number or null",
    "integer": "a whole number or null",
    "string": "a text or null",
    "boolean": "true, false or null",
    "date": 'a text such as "2026-11-21T08:30:00Z", or null',
    "image": "a list of rows of pixels, 0..255",
}


def from_records(records: list[Any], fields: Sequence[Field]) -> dict[str, np.ndarray]:
    """RECORDS (JSON objects) as one array a field: [N], [N, H, W, C] for images, or [N, ...] of nested lists.

    null is a missing value.  Raises InputError naming record and field for what is missing, extra, renamed or of
    the wrong type; nothing is guessed.
    """
    names = [field.name for field in fields]
    _check_names(records, names)
    return {field.name: _column(field, [record[field.name] for record in records]) for field in fields}


def from_columns(columns: Mapping[str, Sequence[Any]], fields: Sequence[Field]) -> dict[str, np.ndarray]:
    """As `from_records`, of values column by column."""
    return {field.name: _column(field, list(columns[field.name])) for field in fields}


def _check_names(records: list[Any], names: list[str]) -> None:
    known = set(names)
    for i, record in enumerate(records):
        if not isinstance(record, dict):
            raise InputError(f"record {i} is {_kind(record)}, not an object", expected=f"an object with {_some(names)}")
        if record.keys() == known:
            continue
        missing = [name for name in names if name not in record]
        extra = [name for name in record if name not in known]
        if missing:
            renamed = suggest(missing[0], extra).replace("did you mean", "is it the field called")
            raise InputError(
                f"record {i}: field {missing[0]!r} is missing{renamed}",
                expected=f"every field of {_some(names)}",
                todo=f"send {missing[0]!r}; null where the value is not known",
                key=missing[0],
            )
        raise InputError(
            f"record {i}: field {extra[0]!r} is not known{suggest(extra[0], names)}",
            expected=f"only {_some(names)}",
            todo="leave it out",
            key=str(extra[0]),
        )


def _column(field: Field, values: list[Any]) -> np.ndarray:
    if field.sent == "tensor":
        return tensor_of(field, values)
    if field.dtype == "uint8":
        return _images(field, values)
    found = _at_once(field, values) if len(values) >= MANY else None
    if found is not None:
        return found
    parse = PARSERS["text" if field.dtype == "string" and field.sent in ("", "string") else field.sent or "number"]
    dtype: Any = object if field.dtype == "string" else field.dtype
    made = np.empty(len(values), dtype)
    for i, value in enumerate(values):
        try:
            made[i] = parse(value, field)
        except (ValueError, OverflowError) as error:
            why = f" ({error})" if field.sent == "date" and isinstance(value, str) else ""
            raise InputError(
                f"record {i}: field {field.name!r} is {_kind(value)}{why}",
                expected=EXPECTED.get(field.sent, "a text or null"),
                todo=f"send {field.name!r} as {EXPECTED.get(field.sent, 'a text')}",
                key=field.name,
            ) from error
    return made


def _at_once(field: Field, values: list[Any]) -> np.ndarray | None:
    """VALUES where nothing has to be looked at one by one; else None."""
    kinds = set(map(type, values)) - {type(None)}
    if field.dtype == "float64" and kinds <= PLAIN.get(field.sent or "number", set()):
        try:
            return np.array(values, np.float64)  # None is NaN
        except OverflowError:
            return None
    if field.dtype == "string" and field.sent in ("", "string") and kinds <= {str}:
        made = np.empty(len(values), object)
        made[:] = [value or "" for value in values]
        try:
            "".join(made).encode()
        except UnicodeEncodeError:
            return None
        return made
    return None


def _number(value: Any, field: Field) -> Any:
    if value is None:
        return "" if field.dtype == "string" else math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError
    if field.sent == "integer" and isinstance(value, float) and not value.is_integer() and math.isfinite(value):
        raise ValueError
    if field.dtype == "string":
        if math.isnan(value):
            return ""
        return str(int(value)) if field.sent == "integer" else repr(float(value))
    return float(value)


def _text(value: Any, field: Field) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError
    value.encode()  # half a surrogate pair is a ValueError: no UTF-8, no answer
    return value


def _boolean(value: Any, field: Field) -> Any:
    if value is not None and not isinstance(value, bool):
        raise ValueError
    if field.dtype == "string":
        return "" if value is None else str(value).lower()
    return math.nan if value is None else float(value)


def _date(value: Any, field: Field) -> int:
    if value is None:
        return MISSING_DATE
    if not isinstance(value, str):
        raise ValueError
    stamp = datetime.fromisoformat(value)
    stamp = stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    return (stamp - EPOCH) // timedelta(microseconds=1)


PARSERS: dict[str, Callable[[Any, Field], Any]] = {
    "number": _number,
    "integer": _number,
    "text": _text,
    "boolean": _boolean,
    "date": _date,
}


def _images(field: Field, values: list[Any]) -> np.ndarray:
    shape = tuple(field.shape)
    made = np.empty((len(values), *shape), np.uint8)
    for i, value in enumerate(values):
        try:
            image = np.asarray(value)
        except ValueError as error:
            raise _wrong_image(field, i, "rows of different lengths") from error
        if shape[-1:] == (1,) and image.shape == shape[:-1]:
            image = image[..., None]
        if image.shape != shape or image.dtype.kind not in "iu":
            what = "x".join(map(str, image.shape)) if image.dtype.kind in "iuf" else _kind(value)
            raise _wrong_image(field, i, what if image.dtype.kind != "f" else f"{what} fractions")
        if image.size and (image.min() < 0 or image.max() > 255):
            raise _wrong_image(field, i, f"pixels from {image.min()} to {image.max()}")
        made[i] = image
    return made


def _wrong_image(field: Field, record: int, what: str) -> InputError:
    size = " x ".join(map(str, field.shape))
    return InputError(f"record {record}: field {field.name!r} is {what}", expected=f"whole numbers 0..255, {size}",
                      todo=f"send {field.name!r} as height x width x channels", key=field.name)  # fmt: skip


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    names: dict[type, str] = {
        str: "the text",
        int: "the number",
        float: "the number",
        list: "a list",
        dict: "an object",
    }
    name = names.get(type(value), type(value).__name__)
    return f"{name} {str(value)[:40]!r}" if name.startswith("the ") else name


def _some(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
