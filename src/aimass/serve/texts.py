"""Outputs as pieces of JSON, a piece a row: made for a whole batch at once, then dealt out.

Knows arrays, never who asked.  Numbers that JSON cannot say (NaN, infinity) become null.
"""

from __future__ import annotations

import numpy as np
import orjson

NUMPY = orjson.OPT_SERIALIZE_NUMPY
SPOKEN = "biuf"  # kinds of numpy that orjson writes


def texts_of(array: np.ndarray) -> list[bytes]:
    """The values of each row of ARRAY [N, ...], flat and between commas: b'0.25,0.75'."""
    if array.dtype.kind not in SPOKEN or array.dtype == np.float16:
        return [orjson.dumps(_plain(row))[1:-1] for row in array.reshape(len(array), -1)]
    if array.dtype == np.float32:  # the very value, as every other way to answer says it
        array = array.astype(np.float64)
    whole = orjson.dumps(np.ascontiguousarray(array.reshape(len(array), -1)), option=NUMPY)
    return whole[2:-2].split(b"],[")


def _plain(row: np.ndarray) -> list[object]:
    return row.tolist() if row.dtype.kind != "S" else [str(text, "utf-8", "replace") for text in row.tolist()]
