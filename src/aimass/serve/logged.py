"""Rows and answers as columns of Arrow: those of the signature with their types, outputs and facts behind a prefix.

Imported by the thread that writes them: a server starts without Arrow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from aimass.core.signature import Field, Signature
from aimass.serve.log import Entry
from aimass.serve.observe.sampling import sampled

FACTS = {
    "time": pa.timestamp("us", "UTC"),  # when it was answered
    "request": pa.string(),
    "row": pa.int32(),  # of the request
    "model": pa.string(),
    "version": pa.string(),
    "given": pa.bool_(),  # false for the answer to a copy, which a shadow gave to nobody
    "weight": pa.float64(),  # for how many rows it stands, where only a share is logged
    "batch": pa.string(),  # the call that it shared
}
TYPES = {
    "bool": pa.bool_(), "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
    "uint8": pa.int16(), "uint16": pa.int32(), "uint32": pa.int64(), "uint64": pa.decimal128(20, 0),
    "float16": pa.float32(), "float32": pa.float32(), "float64": pa.float64(), "string": pa.string(),
}  # fmt: skip
MISSING = np.iinfo(np.int64).min  # of a date


class Columns:
    """Of one version of a model; SHARE of its requests are kept."""

    def __init__(self, signature: Signature, model: str, version: str, share: float = 1.0) -> None:
        self.signature, self.model, self.version, self.share = signature, model, version, share
        self.prefix = prefix_of(signature)
        facts = [pa.field(self.prefix + name, kind) for name, kind in FACTS.items()]
        raw = [arrow_field(field) for field in signature.rows]
        outputs = [arrow_field(field).with_name(self.prefix + field.name) for field in signature.outputs]
        self.schema = pa.schema([*facts, *raw, *outputs])

    def of(self, entries: Sequence[Entry]) -> pa.Table:
        """The rows of ENTRIES that are kept, in their order."""
        kept = self._kept(entries)
        raw = [_column(field, [e.tensors[field.name] for e in entries], kept) for field in self.signature.rows]
        outputs = [_column(field, [e.outputs[field.name] for e in entries], kept) for field in self.signature.outputs]
        return pa.table([*self._facts(entries, kept), *raw, *outputs], schema=self.schema)

    def _kept(self, entries: Sequence[Entry]) -> np.ndarray | None:
        """A mask of rows; None for all of them."""
        if self.share >= 1:
            return None
        asked = [request for entry in entries for request in entry.requests]
        return np.repeat([sampled(id, self.share) for id, _, _ in asked], [rows for _, rows, _ in asked])

    def _facts(self, entries: Sequence[Entry], kept: np.ndarray | None) -> list[pa.Array]:
        asked = [request for entry in entries for request in entry.requests]
        rows = np.array([rows for _, rows, _ in asked], np.int64)
        total = int(rows.sum())
        counts = [entry.rows for entry in entries]
        times = np.repeat(np.array([round(e.time * 1e6) for e in entries], np.int64), counts)
        firsts = np.repeat(np.cumsum(rows) - rows, rows)
        values = {
            "time": times.astype("datetime64[us]"),
            "request": np.repeat(np.array([id for id, _, _ in asked], object), rows),
            "row": np.arange(total) - firsts,
            "model": np.full(total, self.model, object),
            "version": np.full(total, self.version, object),
            "given": np.repeat([given for _, _, given in asked], rows),
            "weight": np.full(total, 1 / self.share if self.share else 0.0),
            "batch": np.repeat(np.array([entry.batch for entry in entries], object), counts),
        }
        return [pa.array(values[name] if kept is None else values[name][kept], kind) for name, kind in FACTS.items()]


def prefix_of(signature: Signature) -> str:
    """What stands before facts and outputs, so that no column of a caller's is called so."""
    taken = {field.name.lower() for field in signature.rows}
    prefix = "_"
    while taken & {(prefix + name).lower() for name in (*FACTS, *(field.name for field in signature.outputs))}:
        prefix += "_"
    return prefix


def arrow_field(field: Field) -> pa.Field:
    """How FIELD is kept: images as bytes, other arrays as lists, numbers with their types."""
    if field.kind == "date":
        return pa.field(field.name, pa.timestamp("us", "UTC"))
    if field.kind == "image" and field.dtype == "uint8":
        return pa.field(field.name, pa.binary(), metadata={"shape": json.dumps(field.shape)})
    kind = TYPES[field.dtype]
    return pa.field(field.name, pa.list_(kind) if field.shape else kind)


def _column(field: Field, arrays: Sequence[np.ndarray], kept: np.ndarray | None) -> pa.Array:
    if len({array.shape[1:] for array in arrays}) == 1:
        whole = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        return _array(field, whole if kept is None else whole[kept])
    ends = np.cumsum([len(array) for array in arrays])  # rows whose size differs from request to request
    masks = [None] * len(arrays) if kept is None else np.split(kept, ends[:-1])
    pairs = zip(arrays, masks, strict=True)
    return pa.concat_arrays([_array(field, array if mask is None else array[mask]) for array, mask in pairs])


def _array(field: Field, values: np.ndarray) -> pa.Array:
    wanted = arrow_field(field).type
    if field.kind == "date":
        return pa.array(values.astype("datetime64[us]"), wanted, mask=values.astype(np.int64) == MISSING)
    if wanted == pa.binary():
        return pa.array([row.tobytes() for row in values], wanted)
    if field.shape:
        width = int(np.prod(values.shape[1:]))
        flat = _scalars(values.reshape(-1), wanted.value_type)
        return pa.ListArray.from_arrays(np.arange(len(values) + 1, dtype=np.int32) * width, flat, wanted)
    return _scalars(values, wanted)


def _scalars(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """VALUES; what is missing (no number, no text) is null."""
    if kind == pa.string():
        texts = values.astype(object)
        return pa.array(texts, kind, mask=texts == "")
    if kind == pa.decimal128(20, 0):
        return pa.array(values.tolist(), pa.decimal128(20, 0))
    return (
        pa.array(values, kind, from_pandas=True)
        if values.dtype != np.float16
        else pa.array(values.astype(np.float32), kind, from_pandas=True)
    )
