"""Tensors of the Open Inference Protocol V2: as JSON and as the bytes of its binary extension.

Knows datatypes and shapes, never models.  Whatever is wrong is Refused before an engine sees it.
"""

from __future__ import annotations

import math
import struct
from itertools import chain
from typing import Any

import numpy as np

from aimass.core.signature import Field
from aimass.serve.messages import Refused

DATATYPES = {
    "bool": "BOOL",
    "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64",
    "int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64",
    "float16": "FP16", "float32": "FP32", "float64": "FP64",
    "string": "BYTES",
}  # fmt: skip
WHOLE: set[type] = {int}
TAKEN: dict[str, set[type]] = {  # by numpy's kind
    "f": {int, float, type(None)}, "i": WHOLE, "u": WHOLE, "b": {bool}, "O": {str},
}  # fmt: skip
SAYS = {"f": "numbers", "i": "whole numbers", "u": "whole numbers from 0", "b": "true or false", "O": "texts"}
LENGTH = struct.Struct("<I")  # before each element of BYTES


def datatype(field: Field) -> str:
    """V2's word for the dtype of FIELD."""
    return DATATYPES[field.dtype]


def described(field: Field) -> dict[str, Any]:
    """FIELD as metadata; -1 is a size that is free."""
    return {"name": field.name, "datatype": datatype(field), "shape": [-1, *(n if n > 0 else -1 for n in field.shape)]}


def numpy_type(field: Field) -> np.dtype:
    """How an array of FIELD is held; text as objects, numbers little-endian as they are sent."""
    return np.dtype(object) if field.dtype == "string" else np.dtype(field.dtype).newbyteorder("<")


def checked_shape(field: Field, tensor: dict[str, Any]) -> tuple[int, ...]:
    """The shape TENSOR claims, if FIELD can have it and its datatype.  Raises Refused.

    A column of single values may also be said to be one value wide, [N, 1], as data frames are sent.
    """
    if tensor.get("datatype") != datatype(field):
        raise _refused(field, f"has datatype {tensor.get('datatype')!r}", datatype(field))
    shape = tensor.get("shape")
    wanted = described(field)["shape"]
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise _refused(field, f"has shape {shape!r}", f"a list of sizes like {wanted}")
    if len(wanted) == 1 and shape[1:] == [1]:
        return (shape[0],)
    if len(shape) != len(wanted) or any(w not in (-1, n) for n, w in zip(shape[1:], wanted[1:], strict=True)):
        raise _refused(field, f"has shape {shape}", f"{wanted} with any number of rows first")
    return tuple(shape)


def from_json(field: Field, shape: tuple[int, ...], data: Any) -> np.ndarray:
    """DATA, flat or nested, as an array [N, ...] of FIELD.  Raises Refused."""
    if not isinstance(data, list):
        raise _refused(field, "has no list of data", "data: a list")
    flat = _flat(field, data)
    if len(flat) != math.prod(shape):
        raise _refused(field, f"has {len(flat)} values for shape {list(shape)}", f"{math.prod(shape)} values")
    kind = numpy_type(field)
    strange = set(map(type, flat)) - TAKEN[kind.kind]
    if strange:
        at = next(i for i, value in enumerate(flat) if type(value) in strange)
        raise _refused(field, f"has {str(flat[at])[:40]!r} as value {at}", SAYS[kind.kind])
    try:
        return np.array(flat, dtype=kind).reshape(shape)
    except OverflowError as error:
        raise _refused(field, "has a number that is too large for its datatype", datatype(field)) from error


def _flat(field: Field, data: list[Any]) -> list[Any]:
    """DATA without its nesting, which has to be even."""
    while data and type(data[0]) is list:
        if set(map(type, data)) != {list} or len(set(map(len, data))) != 1:
            raise _refused(field, "has data nested unevenly", "rows of the same length")
        data = list(chain.from_iterable(data))
    return data


def from_bytes(field: Field, shape: tuple[int, ...], raw: memoryview) -> np.ndarray:
    """RAW as an array [N, ...] of FIELD, without a copy where its address allows.  Raises Refused."""
    count = math.prod(shape)
    if field.dtype == "string":
        return np.array(_texts(field, count, raw), dtype=object).reshape(shape)
    kind = numpy_type(field)
    if len(raw) != count * kind.itemsize:
        raise _refused(field, f"has {len(raw)} bytes for shape {list(shape)}", f"{count * kind.itemsize} bytes")
    if kind.kind == "b":
        return np.frombuffer(raw, np.uint8).astype(bool).reshape(shape)
    return np.require(np.frombuffer(raw, kind).reshape(shape), requirements="A")


def _texts(field: Field, count: int, raw: memoryview) -> list[str]:
    texts: list[str] = []
    try:
        for element in elements(field, count, raw):
            texts.append(str(element, "utf-8"))
    except UnicodeDecodeError as error:
        raise _refused(field, f"has text {len(texts)} that is not UTF-8", "texts in UTF-8") from error
    return texts


def elements(field: Field, count: int, raw: memoryview) -> list[bytes]:
    """The COUNT elements of RAW, a tensor of BYTES: each behind its length.  Raises Refused."""
    found, at = [], 0
    try:
        while at < len(raw):
            (size,) = LENGTH.unpack_from(raw, at)
            at += LENGTH.size + size
            if at > len(raw):
                raise _refused(field, "ends inside a text", "4 bytes of length, then so many bytes, for each text")
            found.append(bytes(raw[at - size : at]))
    except struct.error as error:
        raise _refused(field, "ends inside a length", "4 bytes of length before each text") from error
    if len(found) != count:
        raise _refused(field, f"has {len(found)} texts", f"{count} texts, as its shape says")
    return found


def to_bytes(array: np.ndarray) -> bytes:
    """ARRAY as the binary extension sends it: little-endian, row by row; texts each behind their length."""
    if array.dtype.kind in "OUS":
        pieces = [str(text).encode("utf-8", "replace") for text in array.ravel().tolist()]
        return b"".join(chain.from_iterable((LENGTH.pack(len(piece)), piece) for piece in pieces))
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def _refused(field: Field, what: str, expected: str) -> Refused:
    return Refused(400, f"input {field.name!r} {what}", expected=expected)
