"""Parquet: columns whose types say what they hold, so they are judged before a row is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aimass.collect.pictures import Picture
from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.prepare.arrays import array_of
from aimass.prepare.rows import from_columns
from aimass.prepare.tables import to_json_records
from aimass.serve.files.blocks import HEAVY, Arrays, Block, Reader
from aimass.serve.images import is_image, telling

types = pa.types
TEXTS = (types.is_string, types.is_large_string, types.is_string_view)
BYTES = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
NUMBERS = (types.is_integer, types.is_floating, types.is_decimal)
TAKEN: dict[str, tuple[tuple[Callable[[Any], bool], ...], str]] = {
    "number": (NUMBERS, "numbers"),
    "integer": (NUMBERS, "whole numbers"),
    "boolean": ((types.is_boolean,), "true and false"),
    "date": ((types.is_timestamp, types.is_date, *TEXTS), "times, dates or their texts"),
    "image": ((*BYTES, types.is_list, types.is_large_list, types.is_fixed_size_list), "pixels, PNG or JPEG"),
    "string": (TEXTS, "texts"),
}


class ParquetBlock(Block):
    """Rows of TABLE."""

    def __init__(self, file: Path, lines: Sequence[int], table: pa.Table, *, resize: bool) -> None:
        super().__init__(file, lines)
        self.table, self.resize = table, resize

    def take(self, rows: Sequence[int]) -> Self:
        lines = [self.lines[row] for row in rows]
        return type(self)(self.file, lines, self.table.take(pa.array(rows, pa.int64())), resize=self.resize)

    def tensors(self, fields: Sequence[Field]) -> Arrays:
        return {field.name: self._tensor(field) for field in fields}

    def _tensor(self, field: Field) -> np.ndarray:
        column = self.table[field.name]
        if is_image(field):
            return pixels(column.to_pylist(), field, resize=self.resize)
        kind = column.type
        if types.is_null(kind) or (field.sent == "date" and _is(kind, TEXTS)):
            return from_columns({field.name: column.to_pylist()}, [field])[field.name]
        if field.sent == "integer" and not types.is_integer(kind):
            _check_whole(column, field)
        return array_of(column, field)

    def sent(self, name: str, field: Field | None) -> list[Any]:
        column = self.table.select([name])
        records = to_json_records(column, [field or Field(name, "")])
        return [record[name] for record in records]

    def arrow(self, name: str, field: Field | None, kind: pa.DataType, tensors: Arrays) -> pa.Array:
        try:
            return self.table[name].cast(kind).combine_chunks()
        except pa.ArrowException as error:
            what = f"{self.file}: column {name!r} is {self.table[name].type} here, {kind} in the first file"
            raise InputError(what, expected="one type in all files", todo="keep other columns: --keep") from error

    def raw(self, row: int) -> Any:
        shown = [f.name for f in self.table.schema if not _is(f.type, BYTES)]
        return {name: to_json_records(self.table.select([name]).slice(row, 1), [Field(name, "")])[0][name]
                for name in shown}  # fmt: skip


class ParquetReader(Reader):
    """Reads the columns that FIELDS and KEEP name."""

    def __init__(self, files: Sequence[Path], fields: Sequence[Field], keep: Sequence[str] | None, *,
                 resize: bool) -> None:  # fmt: skip
        super().__init__(files)
        self.fields, self.keep, self.resize = fields, keep, resize
        self.schema = self._opened(files[0]).schema_arrow

    def names(self) -> list[str]:
        """Bytes (pixels) are kept only when they are named."""
        return [f.name for f in self.schema if not _is(f.type, BYTES)]

    def all_names(self) -> list[str]:
        found: list[str] = self.schema.names
        return found

    def kind(self, name: str, field: Field | None) -> pa.DataType:
        return _plain(self.schema.field(name).type)

    def blocks(self, file: Path, rows: int) -> Iterator[Block]:
        self.position, at = 0, 1
        with self._opened(file) as parquet:
            schema, size = parquet.schema_arrow, file.stat().st_size
            self.check_names(file, schema.names)
            self._check(file, schema)
            rows = max(1, min(rows, HEAVY // _width(parquet)))
            try:
                for batch in parquet.iter_batches(rows, columns=self.wanted):
                    lines = range(at, at + batch.num_rows)
                    table = pa.Table.from_batches([batch])
                    table = table.cast(pa.schema([f.with_type(_plain(f.type)) for f in table.schema]))
                    at += batch.num_rows
                    self.position = size * (at - 1) // max(1, parquet.metadata.num_rows)
                    yield ParquetBlock(file, lines, table, resize=self.resize)
            except (pa.ArrowException, OSError) as error:
                raise _damaged(file, error) from error

    def _opened(self, file: Path) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(file, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(file, error) from error

    def _check(self, file: Path, schema: pa.Schema) -> None:
        """Raises InputError for a column that holds what the endpoint would refuse in every row."""
        for field in self.fields:
            kind = _plain(schema.field(field.name).type)
            tests, expected = TAKEN.get(field.sent, TAKEN["string"])
            if not types.is_null(kind) and not _is(kind, tests):
                raise InputError(f"{file}: column {field.name!r} holds {kind}", expected=expected, key=field.name,
                                 todo="convert the column")  # fmt: skip


def pixels(values: list[Any], field: Field, *, resize: bool) -> np.ndarray:
    """uint8 [N, H, W, C] of VALUES: raw pixels, a PNG or JPEG, or lists.  Raises InputError naming the row."""
    made = np.empty((len(values), *field.shape), np.uint8)
    for i, value in enumerate(values):
        if isinstance(value, bytes) and len(value) != made[i].size:
            with telling(i, field):
                made[i] = Picture(value).pixels(field.shape, resize=resize)
        elif isinstance(value, bytes):
            made[i] = np.frombuffer(value, np.uint8).reshape(field.shape)
        else:
            made[i] = from_columns({field.name: [value]}, [field])[field.name][0]
    return made


def _check_whole(column: pa.ChunkedArray, field: Field) -> None:
    numbers = column.cast(pa.float64(), safe=False).drop_null().to_numpy()
    broken = numbers[np.isfinite(numbers) & (numbers != np.trunc(numbers))]
    if len(broken):
        what = f"record 0: field {field.name!r} is the number {str(broken[0])!r}"
        raise InputError(what, expected="a whole number or null", key=field.name)


def _is(kind: pa.DataType, tests: Sequence[Callable[[Any], bool]]) -> bool:
    return any(test(kind) for test in tests)


def _plain(kind: pa.DataType) -> pa.DataType:
    """KIND without the dictionary that packs it."""
    return kind.value_type if types.is_dictionary(kind) else kind


def _width(parquet: pq.ParquetFile) -> int:
    """Bytes of a row, unpacked, about."""
    facts = parquet.metadata
    size = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
    return 1 + int(size // max(1, facts.num_rows))


def _damaged(file: Path, error: Exception) -> InputError:
    return InputError(f"{file} is not whole Parquet: {str(error).strip().splitlines()[0]}", expected="a Parquet file",
                      todo="it is damaged, half-written or another format: get it again")  # fmt: skip
