"""Rows on their way into a commit: one spelling for every value, Parquet files on disk, nothing large in memory."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aimass.collect.base import MALFORMED, RAW, Malformed
from aimass.collect.values import as_json, lake_type, sendable, text_table
from aimass.core.errors import InputError

GROUP = 122_880  # rows of a row group ...
HEAVY = 64 << 20  # ... or bytes, where rows are wide
CHUNK = 20_000  # dicts turned into a table at once


@dataclass
class Pending:
    """The rows since the last cursor.  `files` holds what is written, with the rows of each."""

    scratch: Path
    number: int

    def __post_init__(self) -> None:
        self.files: list[tuple[Path, int]] = []
        self.rows = self.malformed = 0
        self.columns: dict[str, dict[str, Any]] = {}
        self._dicts: list[dict[str, Any]] = []
        self._bad: list[Malformed] = []
        self._tables: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None

    def add(self, item: Any) -> None:
        """Take a dict, a list of dicts, an Arrow batch or table, or a Malformed row."""
        if isinstance(item, (pa.Table, pa.RecordBatch)):
            self._flush_dicts()
            self._add_table(pa.table(item) if isinstance(item, pa.Table) else pa.Table.from_batches([item]))
        elif isinstance(item, Malformed):
            self._bad.append(item)
        elif isinstance(item, dict):
            self._dicts.append(item)
        elif isinstance(item, list) and all(isinstance(row, dict) for row in item):
            self._dicts += item
        else:
            raise InputError(
                f"the collector yielded a {type(item).__name__}",
                expected="dicts, lists of dicts, Arrow batches, Malformed rows and cursors",
                todo="see docs/collect.md",
            )
        if len(self._dicts) + len(self._bad) >= CHUNK:
            self._flush_dicts()

    def close(self) -> list[tuple[Path, int]]:
        """Write what is left; the files and their rows."""
        self._flush_dicts()
        self._flush_tables()
        self._end_file()
        return self.files

    @property
    def schema(self) -> pa.Schema:
        """Every column of these rows, and the two for malformed ones."""
        return pa.schema([*((c["name"], c["arrow"]) for c in self.columns.values()),
                          (MALFORMED, pa.string()), (RAW, pa.string())])  # fmt: skip

    # -- dicts and malformed rows become tables ---------------------------------------------------------------

    def _flush_dicts(self) -> None:
        dicts, self._dicts = self._dicts, []
        if dicts:
            try:
                self._add_table(text_table(dicts))
            except UnicodeEncodeError:
                if good := [row for row in dicts if self._sound(row)]:
                    self._add_table(text_table(good))
        bad, self._bad = self._bad, []
        if bad:
            self.malformed += len(bad)
            self._add_table(pa.table({MALFORMED: pa.array([b.reason for b in bad], pa.string()),
                                      RAW: pa.array([sendable(b.raw) for b in bad], pa.string())}))  # fmt: skip

    def _sound(self, row: dict[str, Any]) -> bool:
        """Whether ROW can be stored as UTF-8; half a surrogate pair (JSON allows it) cannot."""
        try:
            as_json(row).encode()
        except UnicodeEncodeError:
            self._bad.append(Malformed("holds half a character (a lone surrogate)", json.dumps(row, default=str)))
            return False
        return True

    # -- tables become files ----------------------------------------------------------------------------------

    def _add_table(self, table: pa.Table) -> None:
        table = self._normal(table)
        if not table.num_rows:
            return  # its columns are noted
        self.rows += table.num_rows
        if self._tables and table.schema != self._tables[0].schema:
            self._flush_tables()
        self._tables.append(table)
        if sum(t.num_rows for t in self._tables) >= GROUP or sum(t.nbytes for t in self._tables) >= HEAVY:
            self._flush_tables()

    def _normal(self, table: pa.Table) -> pa.Table:
        """TABLE with the types of the lake, its columns noted, and the columns for malformed rows."""
        bad = table.column_names == [MALFORMED, RAW]  # made above
        if not bad:
            check_names(table.column_names)
        arrays, fields = [], []
        for field, column in zip(table.schema, table.columns, strict=True):
            array = lake_type(column, field.name)
            arrays.append(array)
            fields.append(pa.field(field.name, array.type))
            if not bad:
                self._note(field, array)
        for name in (MALFORMED, RAW):
            if name not in table.column_names:
                arrays.append(pa.chunked_array([pa.nulls(table.num_rows, pa.string())]))
                fields.append(pa.field(name, pa.string()))
        return pa.table(arrays, schema=pa.schema(fields))

    def _note(self, field: pa.Field, array: pa.ChunkedArray) -> None:
        facts: dict[str, Any] = {"name": field.name, "type": str(array.type), "arrow": array.type}
        shape = (field.metadata or {}).get(b"shape")
        if shape:
            facts |= {"type": "image", "shape": json.loads(shape)}
            sizes = pc.min_max(pc.binary_length(array)).as_py()
            if {*sizes.values()} - {None, math.prod(facts["shape"])}:
                raise InputError(f"column {field.name} holds images of {sizes['min']} to {sizes['max']} bytes",
                                 expected=f"{math.prod(facts['shape'])} bytes: {facts['shape']}")  # fmt: skip
        same(self.columns.setdefault(field.name, facts), facts)

    def _flush_tables(self) -> None:
        if not self._tables:
            return
        table, self._tables = pa.concat_tables(self._tables), []
        if self._writer is not None and self._writer.schema != table.schema:
            self._end_file()
        if self._writer is None:
            path = self.scratch / f"pending-{self.number}-{len(self.files)}.parquet"
            self._writer = pq.ParquetWriter(path, table.schema, compression="zstd", store_schema=False)
            self.files.append((path, 0))
        self._writer.write_table(table, row_group_size=GROUP)
        path, rows = self.files[-1]
        self.files[-1] = (path, rows + table.num_rows)

    def _end_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def same(known: dict[str, Any], facts: dict[str, Any]) -> None:
    """Raises InputError when the column of FACTS is of another type than the one KNOWN, or of another shape."""
    if any(known.get(fact) != facts.get(fact) for fact in ("type", "shape")):
        raise InputError(
            f"column {facts['name']} changes from {_spelled(known)} to {_spelled(facts)} within the source",
            expected="one type, and for images one shape, a column",
            todo="give images one size (size = [height, width]); or make the source yield one type",
        )


def check_names(names: list[str]) -> None:
    """Raises InputError for names that a table cannot have: empty, twice, differing in case only, reserved."""
    seen: dict[str, str] = {}
    for name in names:
        if not name.strip():
            raise InputError(f"column {len(seen) + 1} has no name", expected="a name for every column",
                             todo="name it in the file, or list `columns` in the project file")  # fmt: skip
        if name in (MALFORMED, RAW):
            raise InputError(f"a column is called {name}", expected=f"any name but {MALFORMED} and {RAW}")
        other = seen.setdefault(name.lower(), name)
        if other != name or names.count(name) > 1:
            twice = f"{name!r} appears twice" if other == name else f"{other!r} and {name!r} differ in case only"
            raise InputError(f"the column names are not distinct: {twice}", expected="distinct names",
                             todo="rename one of them")  # fmt: skip


def _spelled(facts: dict[str, Any]) -> str:
    return f"{facts['type']} {facts.get('shape', '')}".strip()
