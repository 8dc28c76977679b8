"""Facts from outside are held against the columns they are to be kept in, before a database sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from aimass.core.errors import InputError

LONGEST = 8 << 20  # letters of a text without a limit of its own
WHOLE = 1 << 63
LIMIT = 1e300  # of a number: nothing that is measured is beyond


def fits(table: sa.Table, row: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """ROW when TABLE can keep it: each column but those in WITHOUT, and nothing else.  Raises InputError."""
    columns = {column.name: column for column in table.columns if column.name not in without}
    if not isinstance(row, dict) or set(row) != set(columns):
        raise InputError(f"a fact about a {table.name} has other columns than it should")
    for name, column in columns.items():
        if not _fits(column, row[name]):
            raise InputError(f"a fact about a {table.name}: {name} cannot be {repr(row[name])[:60]}")
    return row


def _fits(column: sa.Column[Any], value: Any) -> bool:
    if value is None:
        return bool(column.nullable)
    kinds: list[tuple[Any, Callable[[Any, Any], bool]]] = [
        (sa.JSON, _json), (sa.String, _text), (sa.Integer, _whole), (sa.Float, _number),
    ]  # fmt: skip
    return next(fit for kind, fit in kinds if isinstance(column.type, kind))(column.type, value)


def _json(kind: Any, value: Any) -> bool:
    return isinstance(value, dict) and writable(json.dumps(value, ensure_ascii=False))


def _text(kind: Any, value: Any) -> bool:
    return isinstance(value, str) and len(value) <= (kind.length or LONGEST) and writable(value)


def _whole(kind: Any, value: Any) -> bool:
    limit = WHOLE if isinstance(kind, sa.BigInteger) else 1 << 31
    return type(value) is int and -limit <= value < limit


def _number(kind: Any, value: Any) -> bool:
    return _is_number(value)


def is_point(values: Any) -> bool:
    """Whether VALUES is a figure: [run, name, at or nothing, value, time].  Quick: there may be millions."""
    if type(values) is not list or len(values) != 5:
        return False
    run, name, at, value, time = values
    if type(run) is not int or not 0 <= run < WHOLE or type(name) is not str or not _is_name(name):
        return False
    return (at is None or _is_number(at)) and _is_number(value) and _is_number(time)


def _is_number(value: Any) -> bool:
    return (type(value) is float or type(value) is int) and -LIMIT < value < LIMIT


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    return len(name) <= 128 and writable(name)


def writable(text: str) -> bool:
    """Whether a database keeps TEXT: no letter 0, no half letters."""
    try:
        return b"\0" not in text.encode() and "\\u0000" not in text
    except UnicodeEncodeError:
        return False
