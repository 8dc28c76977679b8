"""Collectors as a third party writes them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from aimass.collect.base import Cursor, Malformed


def listed(cursor: int | None, path: str) -> Iterator[Any]:
    """The rows of a JSON file that only grows; a file that says "again" is read anew."""
    rows = json.loads(Path(path).read_text(encoding="utf-8"))
    again = bool(cursor) and rows[0].get("again", False)
    start = 0 if again else cursor or 0
    if start < len(rows):
        yield from [{"id": row["id"], "word": row["word"]} for row in rows[start:]]
        yield Cursor(len(rows), replace=again)


def numbered(cursor: int | None, count: int = 400) -> Iterator[Any]:
    """A cursor behind each row: as many commits as rows."""
    for i in range(cursor or 0, count):
        yield {"i": i}
        yield Cursor(i + 1)


def unplaced(cursor: None, words: list[str]) -> Iterator[Any]:
    """No cursor: read whole each time."""
    for word in words:
        yield {"word": word}


def moving(cursor: int | None, rows: int = 2) -> Iterator[Any]:
    """A cursor that moves on even when there are no rows."""
    if cursor is None:
        yield [{"i": i} for i in range(rows)]
    yield Cursor((cursor or 0) + 1)


def rows_after_the_cursor(cursor: int | None) -> Iterator[Any]:
    yield {"i": 1}
    yield Cursor(1)
    yield {"i": 2}


def arrow_then_other_type(cursor: int | None, same_commit: bool = False) -> Iterator[Any]:
    if cursor is None:
        yield pa.table({"x": [1, 2]})
        if not same_commit:
            yield Cursor(1)
        yield pa.table({"x": ["one"]})
        yield Cursor(2)


def columns_by_commit(cursor: int | None, commits: list[list[str]]) -> Iterator[Any]:
    """One commit a list of column names."""
    for i in range(cursor or 0, len(commits)):
        yield dict.fromkeys(commits[i], i)
        yield Cursor(i + 1)


ODD = {
    "text": "row",
    "number": 3,
    "bytes": {"a": b"\x00"},
    "object": {"a": object()},
    "keys": {1: "a"},
    "no columns": {},
    "date cursor": Cursor(datetime.date(2024, 1, 1)),
    "list": [1, 2],
    "reserved": {"_malformed": "x"},
    "case": {"a": 1, "A": 2},
    "unnamed": {" ": 1},
    "huge": pa.table({"x": pa.array([2**64 - 1], pa.uint64())}),
    "image": pa.table([[b"123"]], schema=pa.schema([pa.field("x", pa.binary(), metadata={"shape": "[2, 2, 1]"})])),
}


def odd(cursor: int | None, what: str) -> Iterator[Any]:
    yield ODD[what]


def values(cursor: int | None) -> Iterator[Any]:
    """A value of each sort a dict may hold."""
    yield {
        "text": "é",
        "flag": np.True_,
        "number": np.float32(1.5),
        "nan": float("nan"),
        "when": datetime.datetime(2024, 1, 2, 3, 4, tzinfo=datetime.UTC),
        "nanoseconds": np.datetime64("2024-01-02T03:04:05.000000001"),
        "wait": datetime.timedelta(minutes=1),
        "array": np.arange(3),
        "nested": {"a": [1, float("nan"), float("inf")]},
    }


def typed(cursor: int | None) -> Iterator[Any]:
    """Arrow columns of the types a lake lacks."""
    yield pa.table({
        "small": pa.array([1], pa.int8()),
        "category": pa.array(["a"]).dictionary_encode(),
        "view": pa.array(["v"], pa.string_view()),
        "seconds": pa.array([90], pa.duration("s")),
        "naive": pa.array([0], pa.timestamp("ns")),
        "list": pa.array([[1.0, float("nan")]]),
    })  # fmt: skip


def broken(cursor: int | None, good: int, bad: int) -> Iterator[Any]:
    yield [{"i": i} for i in range(good)]
    for i in range(bad):
        yield Malformed("said so", f"raw {i}")


def returns_nothing(cursor: int | None) -> None:
    return None


def takes_schema(cursor: int | None, schema: str = "public") -> Iterator[Any]:
    yield {"a": schema}


def takes_nothing() -> Iterator[Any]:
    yield {"a": 1}


def takes_anything(cursor: int | None, **settings: Any) -> Iterator[Any]:
    yield settings


NOT_A_FUNCTION = 3
