"""A dataset as one file that other programs read: CSV or Parquet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from aimass.clean.sandbox import GROUP
from aimass.core.errors import InputError, pick
from aimass.store.lake import batches

Writer = Callable[[ds.Dataset, Path, Callable[[int], None]], int]


def check(schema: pa.Schema, kind: str) -> None:
    """Raises InputError for another KIND than csv and parquet, and for CSV of columns that have no text."""
    pick("format", kind, WRITERS)
    raw = [field.name for field in schema if pa.types.is_binary(field.type)]
    if kind == "csv" and raw:
        raise InputError(f"{', '.join(raw)[:200]}: bytes have no text, and CSV is text", expected="parquet",
                         todo="export it as Parquet", key="format")  # fmt: skip


def export(rows: ds.Dataset, kind: str, out: Path, tell: Callable[[int], None]) -> int:
    """Write ROWS to OUT as KIND, csv or parquet; TELL hears how many are written.  How many they were.

    In CSV, times are ISO 8601 in UTC and missing values empty.  Raises InputError as `check` does.
    """
    check(rows.schema, kind)
    return WRITERS[kind](rows, out, tell)


def _parquet(rows: ds.Dataset, out: Path, tell: Callable[[int], None]) -> int:
    count = 0
    with pq.ParquetWriter(out, rows.schema, compression="zstd", store_schema=False) as writer:
        for batch in batches(rows):
            writer.write_batch(batch, row_group_size=GROUP)
            count += batch.num_rows
            tell(count)
    return count


def _csv(rows: ds.Dataset, out: Path, tell: Callable[[int], None]) -> int:
    schema, count = pa.schema([(field.name, _plain(field.type)) for field in rows.schema]), 0
    with csv.CSVWriter(out, schema) as writer:
        for batch in batches(rows):
            writer.write_table(pa.Table.from_batches([_as_text(batch, schema)]))
            count += batch.num_rows
            tell(count)
    return count


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_timestamp(kind) else kind


def _as_text(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Times as `2026-11-21T08:30:00.000000Z`: any reader knows what that is."""
    columns = [
        pc.strftime(column.cast(pa.timestamp("us", "UTC")), format="%Y-%m-%dT%H:%M:%SZ")
        if pa.types.is_timestamp(column.type)
        else column
        for column in batch.columns
    ]
    return pa.record_batch(columns, schema=schema)


WRITERS: dict[str, Writer] = {"csv": _csv, "parquet": _parquet}
