"""Arrow columns as the arrays that the graph takes.

Knows types, never records: the same value comes out the same, however Arrow holds it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.prepare.rows import MISSING_DATE

UNIT = "us since 1970-01-01 UTC"


def array_of(column: pa.ChunkedArray, field: Field) -> np.ndarray:
    """COLUMN as FIELD says: [N], or uint8 [N, H, W, C].  Raises InputError for a missing or wrongly sized image."""
    if field.dtype == "uint8":
        return pixels(column, field.shape, field.name)
    if field.dtype == "string":
        return texts(column)
    return microseconds(column) if field.dtype == "int64" else numbers(column)


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """float64 [N]; missing is NaN, whole numbers above 2**53 become the nearest float, as in JSON."""
    values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.array(values, np.float64)


def texts(column: pa.ChunkedArray) -> np.ndarray:
    """Object array [N] of str; missing is the empty text, booleans are small letters, numbers as Python writes them."""
    if pa.types.is_floating(column.type):
        written = [None if v is None or v != v else repr(v) for v in column.to_pylist()]
        column = pa.chunked_array([pa.array(written, pa.string())])
    values = column.cast(pa.large_string()).fill_null("").to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=object)


def instants(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times or dates as timestamps in microseconds UTC; what is finer is cut off, as in JSON."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        nanoseconds = column.cast(pa.int64())
        whole = [pa.array(np.floor_divide(c.fill_null(0).to_numpy(), 1000), mask=c.is_null().to_numpy(False))
                 for c in nanoseconds.chunks]  # fmt: skip
        column = pa.chunked_array(whole, pa.int64())  # Arrow itself would cut towards 1970
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
    else:
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    return column.cast(pa.timestamp("us", "UTC"))


def microseconds(column: pa.ChunkedArray) -> np.ndarray:
    """int64 [N] since 1970-01-01 UTC; missing is the smallest int64."""
    return np.array(instants(column).cast(pa.int64()).fill_null(MISSING_DATE).to_numpy(), np.int64)


def pixels(column: pa.ChunkedArray, shape: Sequence[int], name: str) -> np.ndarray:
    """uint8 [N, *SHAPE] of a binary column.  Raises InputError naming the column for a missing or wrongly sized one."""
    images = column.to_pylist()
    size = int(np.prod(shape, dtype=np.int64))
    for row, image in enumerate(images):
        if image is None or len(image) != size:
            raise InputError(
                f"an image of column {name} {'is missing' if image is None else f'has {len(image)} bytes'}"
                f" (number {row} of those read at once)",
                expected=f"{' x '.join(map(str, shape))} = {size} bytes in every row",
                todo="filter such rows in a sql transform",
            )
    return np.frombuffer(b"".join(images), np.uint8).reshape(len(column), *shape)
