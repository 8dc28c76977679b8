"""Fields of several values a row, as a caller sends them: nested lists of numbers, truths or texts, strictly.

Models that were made elsewhere take such rows; the columns that `prepare` fits hold one value, or an image.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from aimass.core.errors import InputError
from aimass.core.signature import Field

TAKEN: dict[str, tuple[type, ...]] = {
    "f": (int, float, type(None)),
    "i": (int,),
    "u": (int,),
    "b": (bool,),
    "O": (str,),
}
SAYS = {
    "f": "numbers, null where one is missing",
    "i": "whole numbers",
    "u": "whole numbers from 0",
    "b": "true or false",
    "O": "texts",
}


def kind_of(field: Field) -> str:
    """The kind of numpy's dtype for FIELD, "O" for text."""
    return "O" if field.dtype == "string" else np.dtype(field.dtype).kind


def tensor_of(field: Field, values: list[Any]) -> np.ndarray:
    """VALUES, one nested list a record, as an array [N, ...] of FIELD; a size of 0 in its shape is free.

    Raises InputError naming the record for another shape or type, and where records differ in a free size.
    """
    kind, rows = kind_of(field), []
    for i, value in enumerate(values):
        shape, flat = _flat(value, len(field.shape))
        if shape is None or any(asked not in (0, got) for asked, got in zip(field.shape, shape, strict=True)):
            raise _wrong(field, i, "of another shape" if isinstance(value, list) else f"{value!r:.40}")
        strange = next((item for item in flat if type(item) not in TAKEN[kind]), None)
        if strange is not None or (None in flat and kind != "f"):
            raise _wrong(field, i, f"a list that holds {strange!r:.40}")
        rows.append((shape, flat))
    if len({shape for shape, _ in rows}) > 1:
        raise InputError(
            f"field {field.name!r} differs in size between the records",
            expected="records of one size in a request",
            todo="send them one by one, or padded",
            key=field.name,
        )
    return _array(field, rows)


def _array(field: Field, rows: list[tuple[tuple[int, ...], list[Any]]]) -> np.ndarray:
    dtype: Any = object if field.dtype == "string" else field.dtype
    shape = rows[0][0] if rows else tuple(field.shape)
    made = np.empty((len(rows), math.prod(shape)), dtype)
    for i, (_, flat) in enumerate(rows):
        try:
            made[i] = [math.nan if item is None else item for item in flat]
        except (OverflowError, ValueError) as error:
            raise _wrong(field, i, "a list with a number that is too large") from error
    return made.reshape(len(rows), *shape)


def _flat(value: Any, depth: int) -> tuple[tuple[int, ...] | None, list[Any]]:
    """The shape of VALUE, nested DEPTH deep, and its items; None where it is no even nesting of that depth."""
    shape: list[int] = []
    level = [value]
    for _ in range(depth):
        if not all(isinstance(item, list) for item in level) or len({len(item) for item in level}) > 1:
            return None, []
        shape.append(len(level[0]) if level else 0)
        level = [inner for item in level for inner in item]
    return tuple(shape), level


def _wrong(field: Field, record: int, what: str) -> InputError:
    size = " x ".join(str(n) if n else "any" for n in field.shape)
    says = SAYS[kind_of(field)]
    return InputError(f"record {record}: field {field.name!r} is {what}", expected=f"{says}, {size}",
                      todo=f"send {field.name!r} as nested lists, one level a dimension", key=field.name)  # fmt: skip
