"""What a data file seems to hold, told from its first rows: types, gaps, and which columns could be predicted.

The rows go the way that `collect`, `clean` and `prepare` would send them, so that what is told here is what they find.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from aimass.clean.contract import Contract, converted, infer, valued
from aimass.clean.sandbox import quoted, sandbox
from aimass.collect.base import MALFORMED, RAW, Collector, Malformed, Rows
from aimass.collect.pending import Pending
from aimass.core.errors import InputError
from aimass.measure.base import default_metric
from aimass.prepare.base import Column
from aimass.prepare.kinds import kind_of
from aimass.prepare.target import read, usable

ROWS = 10_000  # looked at
SHOWN = 20  # rows told as they are
WIDE = 1000  # columns told, at most
LONG = 200  # letters of a cell
EXAMPLES = 3


def glance(path: Path, use: str, rows: int = ROWS) -> dict[str, Any]:
    """Columns and first rows of the file at PATH, read by the collector USE: JSON.

    `seen` rows were looked at, `whole` when those are all; what is said of a column holds for them alone.
    Raises InputError for what cannot be read, or holds no rows.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        table, pending, whole = _first(path, use, rows, scratch)
        images = {name for name, facts in pending.columns.items() if facts["type"] == "image"}
        told = table.select(table.column_names[:WIDE])
        pq.write_table(told, scratch / "rows.parquet")
        with sandbox({"rows": ds.dataset(scratch / "rows.parquet")}, scratch) as connection:
            contract = infer(connection, "rows", told.schema, images)
            values = connection.cursor().sql(f"SELECT {_converted(told.schema, contract)} FROM rows").to_arrow_table()
    columns = [_column(name, contract[name].type, told[name], values[name]) for name in told.column_names]
    return {
        "seen": table.num_rows,
        "whole": whole,
        "malformed": pending.malformed,
        "columns_in_all": table.num_columns,
        "columns": columns,
        "rows": [[_cell(told[name][i]) for name in told.column_names] for i in range(min(SHOWN, table.num_rows))],
    }


def _first(path: Path, use: str, rows: int, scratch: Path) -> tuple[pa.Table, Pending, bool]:
    """The first good rows, what was noted of all that were read, and whether that was all there is."""
    collector: Any = Collector.from_settings({"use": use, "path": str(path)}, use)
    pending, whole = Pending(scratch, 0), True
    for item in _until(collector.rows_of(path), rows):
        if item is None:
            whole = False
        else:
            pending.add(item)
    parts = [pq.read_table(file) for file, _ in pending.close()]
    table = pa.concat_tables(parts, promote_options="default") if parts else pa.table({MALFORMED: [], RAW: []})
    table = table.filter(pc.is_null(table[MALFORMED])).drop_columns([MALFORMED, RAW])
    if not table.num_rows or not table.num_columns:
        bad = f"; {pending.malformed} of them cannot be read" if pending.malformed else ""
        raise InputError(f"there are no rows in it{bad}", expected="a header and rows", key="path")
    return table, pending, whole


def _until(items: Iterator[Rows], left: int) -> Iterator[Any]:
    """The first LEFT rows of ITEMS; then None, if there are more."""
    for item in items:
        count = _count(item)
        if left <= 0 and count:
            yield None
            return
        yield item[:left] if count > left else item  # type: ignore[index]
        if count > left:
            yield None
            return
        left -= count


def _count(item: Rows) -> int:
    if isinstance(item, (pa.Table, pa.RecordBatch)):
        return int(item.num_rows)
    return len(item) if isinstance(item, list) else int(isinstance(item, (dict, Malformed)))


def _converted(schema: pa.Schema, contract: Contract) -> str:
    """SQL: each column as its contract says."""
    parts = []
    for field in schema:
        name, facts = quoted(field.name), contract[field.name]
        text = pa.types.is_string(field.type)
        parts.append(f"{converted(facts.type, valued(name, facts.words()))} AS {name}" if text else name)
    return ", ".join(parts)


def _column(name: str, type: str, raw: pa.ChunkedArray, values: pa.ChunkedArray) -> dict[str, Any]:
    task, why_not = _task(name, values)
    nested = type in ("image", "binary")
    return {
        "name": name,
        "type": type,
        "kind": "json" if type == "json" else kind_of(Column(name, type), values),
        "missing": values.null_count,
        "distinct": None if nested else pc.count_distinct(values, mode="only_valid").as_py(),
        "examples": [] if nested else [_cell(one) for one in pc.unique(raw.slice(0, SHOWN).drop_null())[:EXAMPLES]],
        "task": task,
        "metric": default_metric(task) if task else "",
        "why_not": why_not,
    }


def _task(name: str, values: pa.ChunkedArray) -> tuple[str, str]:
    """What predicting this column would be; or why it cannot be done."""
    try:
        known = values.filter(pa.array(usable(values, name)))
        return read(known, name, "auto").task, ""
    except InputError as error:
        return "", error.what


def _cell(value: pa.Scalar) -> str | None:
    """VALUE in a table: text, cut where it is long; None for a missing one."""
    if not value.is_valid:
        return None
    if pa.types.is_binary(value.type) or pa.types.is_large_binary(value.type):
        return f"{len(value.as_py())} bytes"
    text = str(value.as_py())
    return text if len(text) <= LONG else f"{text[:LONG]}…"
