"""Rows of a dataset as JSON that a page can draw: short texts, small pictures, numbers that JavaScript can hold."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from aimass.collect.base import MALFORMED, RAW

LONGEST = 500  # letters of a text
WHOLE = 1 << 53  # beyond, a number of JavaScript is not exact
SMALL = 64  # pixels of the longer side of a picture
BATCH = 4096


def rows_at(rows: ds.Dataset, start: int, limit: int) -> pa.Table:
    """LIMIT of ROWS from number START on, in order; row groups before them are passed over unread."""
    parts, left = [], start
    wanted = limit
    for fragment in rows.get_fragments():
        for group in fragment.row_groups:
            if left >= group.num_rows:
                left -= group.num_rows
                continue
            part = fragment.subset(row_group_ids=[group.id])
            table = _slice(ds.FileSystemDataset([part], rows.schema, rows.format, rows.filesystem), left, wanted)
            parts.append(table)
            left, wanted = 0, wanted - table.num_rows
            if not wanted:
                return pa.concat_tables(parts)
    return pa.concat_tables(parts) if parts else rows.schema.empty_table()


def _slice(part: ds.Dataset, skip: int, most: int) -> pa.Table:
    found: list[pa.RecordBatch] = []
    for batch in part.to_batches(batch_size=BATCH, batch_readahead=1, fragment_readahead=1, use_threads=False):
        fresh = batch.slice(min(skip, batch.num_rows), most)
        skip, most = max(0, skip - batch.num_rows), most - fresh.num_rows
        found.append(fresh)
        if not most:
            break
    return pa.Table.from_batches(found, part.schema)


def as_cells(table: pa.Table, shapes: dict[str, list[int]]) -> list[list[Any]]:
    """TABLE as rows of JSON values; columns in SHAPES (height, width, channels) become pictures."""
    columns = [
        [_picture(value, shapes[name]) if name in shapes else _cell(value) for value in column.to_pylist()]
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return _short(value, LONGEST)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < WHOLE else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    return str(value) if isinstance(value, Decimal) else _cell(json.dumps(value, default=str, ensure_ascii=False))


def _picture(value: bytes | None, shape: list[int]) -> Any:
    """The image as a PNG for a page, at most SMALL pixels wide and high."""
    from PIL import Image

    if value is None or len(value) != math.prod(shape) or len(shape) != 3 or shape[2] not in (1, 3):
        return None if value is None else {"bytes": len(value)}
    pixels = np.frombuffer(value, np.uint8).reshape(shape)
    picture = Image.fromarray(pixels[:, :, 0] if shape[2] == 1 else pixels)
    picture.thumbnail((SMALL, SMALL))
    held = io.BytesIO()
    picture.save(held, "PNG")
    return {"picture": "data:image/png;base64," + base64.b64encode(held.getvalue()).decode()}


def set_aside(quarantine: Path, *, source: str = "", reason: str = "") -> Iterator[pa.RecordBatch]:
    """The rows in the file QUARANTINE (source, reason, row) that SOURCE gave and REASON kept out."""
    wanted = [ds.field(name) == value for name, value in (("source", source), ("reason", reason)) if value]
    rows = ds.dataset(quarantine, format="parquet")
    yield from rows.to_batches(filter=reduce(and_, wanted) if wanted else None, batch_size=BATCH)


def malformed(rows: ds.Dataset, source: str, *, reason: str = "") -> Iterator[pa.RecordBatch]:
    """The same of rows of the lake: those of SOURCE that could not be read."""
    wanted = ds.field(MALFORMED) == reason if reason else ds.field(MALFORMED).is_valid()
    for batch in rows.to_batches(columns=[MALFORMED, RAW], filter=wanted, batch_size=BATCH):
        name = pa.array([source] * batch.num_rows, pa.string())
        yield pa.record_batch([name, *batch.columns], names=["source", "reason", "row"])


def some(batches: Iterator[pa.RecordBatch], start: int, limit: int) -> list[dict[str, str | None]]:
    """LIMIT rows of BATCHES from number START on, their texts cut to what can be read."""
    found: list[dict[str, str | None]] = []
    for batch in batches:
        fresh = batch.slice(min(start, batch.num_rows), limit - len(found)).to_pylist()
        start = max(0, start - batch.num_rows)
        found += [{name: _short(text, LONGEST * 4) for name, text in row.items()} for row in fresh]
        if len(found) == limit:
            break
    return found


def _short(text: str | None, longest: int) -> str | None:
    return text if text is None or len(text) <= longest else f"{text[:longest]}…"
