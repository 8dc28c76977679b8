"""How answers are written: stretches by workers, each for itself, and one file of all stretches in their order.

CSV and Parquet have a column for each class, JSON lines an object of them, as the endpoint answers.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from aimass.collect.values import as_json
from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.engines.base import Tensors
from aimass.serve.files.blocks import Arrays, Block
from aimass.serve.records import predictions


@dataclass(frozen=True)
class Kept:
    """A column that goes from input to output; FIELD is what the model knows of it."""

    name: str
    field: Field | None
    kind: pa.DataType


class Sink(ABC):
    """Writes KEPT columns and the outputs of SIGNATURE, whose names begin with PREFIX.

    Raises InputError when two columns would have one name.
    """

    def __init__(self, kept: Sequence[Kept], signature: Signature, prefix: str) -> None:
        self.kept, self.signature, self.prefix = kept, signature, prefix
        self._check()

    @abstractmethod
    def answers(self) -> list[str]:
        """Names of the outputs, as they are written."""

    @abstractmethod
    def write(self, path: Path, rows: Iterable[tuple[Block, Arrays, Tensors]]) -> None:
        """A stretch."""

    @abstractmethod
    def join(self, stretches: Iterable[Path], out: BinaryIO) -> None:
        """The STRETCHES as one file."""

    def _check(self) -> None:
        twice = {column.name for column in self.kept} & set(self.answers())
        if twice:
            raise InputError(
                f"a column of the input and an output are both called {min(twice)!r}", expected="one name each",
                todo="let the outputs begin with something: --prefix predicted_, or name the columns to keep: --keep",
            )  # fmt: skip


class Flat(Sink):
    """A column for each number of an output."""

    def answers(self) -> list[str]:
        return [self.prefix + name for field in self.signature.outputs for name in self._names(field)]

    def _names(self, field: Field) -> list[str]:
        if field.name == "probabilities":
            return [f"probability_{name}" for name in self.signature.classes]
        if not field.shape:
            return [field.name]
        return [f"{field.name}_{i}" for i in range(int(np.prod(field.shape)))]

    def columns(self, outputs: Tensors) -> list[np.ndarray]:
        """One array [N] for each of `answers`."""
        wide = [outputs[field.name] for field in self.signature.outputs]
        return [column for array in wide for column in array.reshape(len(array), -1).T]


class CsvSink(Flat):
    def write(self, path: Path, rows: Iterable[tuple[Block, Arrays, Tensors]]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            for block, _, outputs in rows:
                columns = [list(map(cell, block.came(k.name, k.field))) for k in self.kept]
                columns += [list(map(cell, column.tolist())) for column in self.columns(outputs)]
                writer.writerows(zip(*columns, strict=True))

    def join(self, stretches: Iterable[Path], out: BinaryIO) -> None:
        head = io.StringIO()
        csv.writer(head, lineterminator="\n").writerow([*(k.name for k in self.kept), *self.answers()])
        out.write(head.getvalue().encode())
        _copy(stretches, out)


class JsonSink(Sink):
    def answers(self) -> list[str]:
        return [self.prefix + field.name for field in self.signature.outputs]

    def write(self, path: Path, rows: Iterable[tuple[Block, Arrays, Tensors]]) -> None:
        names = [k.name for k in self.kept]
        with path.open("wb") as file:
            for block, _, outputs in rows:
                columns = [block.sent(k.name, k.field) for k in self.kept]
                sent = zip(*columns, strict=True) if columns else [()] * len(block)
                for values, answer in zip(sent, predictions(outputs, self.signature), strict=True):
                    told = {self.prefix + name: value for name, value in answer.items()}
                    file.write(line({**dict(zip(names, values, strict=True)), **told}))

    def join(self, stretches: Iterable[Path], out: BinaryIO) -> None:
        _copy(stretches, out)


class ParquetSink(Flat):
    def schema(self) -> pa.Schema:
        kinds = [_kind(field) for field in self.signature.outputs for _ in self._names(field)]
        return pa.schema([*((k.name, k.kind) for k in self.kept), *zip(self.answers(), kinds, strict=True)])

    def write(self, path: Path, rows: Iterable[tuple[Block, Arrays, Tensors]]) -> None:
        schema = self.schema()
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for block, tensors, outputs in rows:
                kept = [block.arrow(k.name, k.field, k.kind, tensors) for k in self.kept]
                kinds = schema.types[len(kept) :]
                made = [pa.array(column, kind) for column, kind in zip(self.columns(outputs), kinds, strict=True)]
                writer.write_table(pa.table([*kept, *made], schema=schema))

    def join(self, stretches: Iterable[Path], out: BinaryIO) -> None:
        with pq.ParquetWriter(out, self.schema(), compression="zstd") as writer:
            for stretch in stretches:
                writer.write_table(pq.read_table(stretch))  # of few rows, by design


SINKS: dict[str, type[Sink]] = {
    ".csv": CsvSink, ".parquet": ParquetSink, ".pq": ParquetSink, ".jsonl": JsonSink, ".ndjson": JsonSink,
}  # fmt: skip


def sink_of(to: Path) -> type[Sink]:
    """Who writes TO, by its ending.  Raises InputError."""
    if to.suffix.lower() not in SINKS:
        raise InputError(f"{to}: no way to write this ending is known", expected=f"one of: {', '.join(SINKS)}",
                         todo="name the output so", key="to")  # fmt: skip
    return SINKS[to.suffix.lower()]


def line(value: dict[str, Any]) -> bytes:
    """VALUE as a line of JSON; numbers that JSON cannot say are null, half characters are spelled out."""
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE, default=str)
    except TypeError:  # a whole number of more than 64 bits, or half a character
        return json.dumps(json.loads(as_json(value))).encode() + b"\n"


def cell(value: Any) -> Any:
    """VALUE as a cell: JSON's words for true and false, nothing for what is missing, JSON for lists and objects."""
    if type(value) is str:
        return value
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return as_json(value) if isinstance(value, (list, dict)) else value


def _kind(field: Field) -> pa.DataType:
    return pa.string() if field.dtype == "string" else pa.from_numpy_dtype(np.dtype(field.dtype))


def _copy(stretches: Iterable[Path], out: BinaryIO) -> None:
    for stretch in stretches:
        with stretch.open("rb") as file:
            shutil.copyfileobj(file, out, 1 << 20)
