"""What the columns of a dataset hold, in figures small enough to be drawn: gaps, values, shapes, equal rows.

What was collected as text is read as its contract would read it, so that a column of digits has a mean, and what is no
number in it is counted.  Up to a limit all rows are looked at, beyond it evenly spaced stretches of them (`stretches`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from aimass.clean.contract import Column, infer, type_of
from aimass.clean.findings import findings
from aimass.clean.quarantine import typed, without_missing
from aimass.clean.sandbox import sandbox
from aimass.clean.stretches import HEAVY, Looked, looked_at
from aimass.collect.base import MALFORMED, RAW
from aimass.core.errors import InputError

REVISION = 1  # raised when the same rows give another profile
CELLS, TEXTS = 10_000_000, 2_000_000  # looked at; of text, whose types have to be found: two to three seconds a core
MEMORY = "1GB"
SECONDS = 120.0
BINS = 24
VALUES = 12  # of a column, the most frequent
FEW = 10_000  # distinct values up to which they are counted one by one
LONGEST = 120  # letters of a value
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FAR = 3.0  # times the width of the middle, beyond which an end is drawn as "and more"
HUGE = "1e150"  # squares of more are no float
MOMENTS, BYTES = ("timestamp", "date"), ("image", "binary")
NUMBERS = ("integer", "number", *MOMENTS)


@dataclass(frozen=True)
class Read:
    """A column as it is looked at: its place, its type, and whether that was found in text."""

    name: str
    at: int
    type: str
    found: bool = False
    shape: tuple[int, ...] = ()

    @property
    def number(self) -> str:
        """SQL: what can be added up: a number, or seconds since 1970."""
        return f"epoch(c{self.at})" if self.type in MOMENTS else f"c{self.at}::DOUBLE"

    @property
    def sound(self) -> str:
        """SQL: whether the number is one that figures can be made of."""
        return f"isfinite({self.number}) AND abs({self.number}) < {HUGE}"


def profile(
    rows: ds.Dataset, columns: list[dict[str, Any]], scratch: Path, *, most: int = 0, heavy: int = HEAVY
) -> dict[str, Any]:
    """The profile of ROWS, whose COLUMNS (name, type, shape) are those of its dataset.json, as JSON.

    MOST rows are looked at, by default as many as have CELLS.  SCRATCH is an empty folder.  Raises InputError after
    SECONDS.
    """
    begun = time.monotonic()
    looked = looked_at(rows, scratch / "part.parquet", most=most or enough(rows.schema), heavy=heavy)
    with looking({"raw": looked.rows}, scratch) as connection:
        reads = tabled(connection, "raw", "seen", looked.rows.schema, columns)
        count = int(_one(connection, "SELECT count(*) FROM seen")[0])
        found = _figures(connection, reads, count)
        doubles = _doubles(connection, reads)
    told = [{"name": read.name, "type": read.type, "found": read.found, **found[read.name]} for read in reads]
    return {**_size(looked, count), "columns": told, "doubles": doubles, "findings": findings(told, count, doubles),
            "seconds": round(time.monotonic() - begun, 3)}  # fmt: skip


def enough(schema: pa.Schema) -> int:
    """How many rows of SCHEMA are looked at."""
    return max(1000, (TEXTS if MALFORMED in schema.names else CELLS) // max(len(schema), 1))


def _size(looked: Looked, count: int) -> dict[str, Any]:
    """TOTAL rows, those looked at, and how many of these could not be read at all."""
    return {"total": looked.total, "rows": count, "malformed": looked.count - count, "exact": looked.exact}


@contextmanager
def looking(tables: dict[str, ds.Dataset], scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A sandbox over TABLES that takes MEMORY and SECONDS at most.  Raises InputError for what is beyond."""
    with sandbox(tables, scratch / "spill", memory=MEMORY) as connection:
        clock = threading.Timer(SECONDS, connection.interrupt)
        clock.start()
        try:
            yield connection
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise InputError(
                f"the rows could not be looked at within {SECONDS:g} s and {MEMORY}",
                expected="rows of a size that this machine can look through",
                todo="take out the widest columns in a transform",
            ) from error
        finally:
            clock.cancel()


def tabled(
    connection: duckdb.DuckDBPyConnection, raw: str, name: str, schema: pa.Schema, columns: list[dict[str, Any]]
) -> list[Read]:
    """Make the table NAME of the view RAW: c0, c1, ... typed, without malformed rows; and b0, ...: what is not of the
    type that its column has.  Of bytes there are the length, and h0, ...: their hash."""
    kinds = {column["name"]: column for column in columns}
    kept = pa.schema([field for field in schema if field.name not in (MALFORMED, RAW)])
    images = {name for name, facts in kinds.items() if facts["type"] == "image"}
    collected = MALFORMED in schema.names
    if collected:
        good = f"good_{raw}"
        connection.execute(f"CREATE VIEW {good} AS SELECT * FROM {raw} WHERE {MALFORMED} IS NULL")
        contract = infer(connection, good, kept, images)
    else:
        good = raw
        contract = {field.name: Column(type=_told(field, kinds), missing=[]) for field in kept}
    made, reads = [], []
    for i, field in enumerate(kept):
        value, type = typed(field.name, contract, kept), contract[field.name].type
        made.append(f"octet_length({value}) AS c{i}, hash({value}) AS h{i}" if type in BYTES else f"{value} AS c{i}")
        found = pa.types.is_string(field.type) and collected and type != "text"
        if found:
            made.append(f"({without_missing(field.name, contract, kept)}) AS w{i}")
        reads.append(Read(field.name, i, type, found, tuple(kinds.get(field.name, {}).get("shape", ()))))
    words = [f"CASE WHEN c{r.at} IS NULL THEN w{r.at} END AS b{r.at}" for r in reads if r.found]
    listed = ", ".join([*(f"c{r.at}" for r in reads), *words, *(f"h{r.at}" for r in reads if r.type in BYTES)])
    connection.execute(f"CREATE TEMP TABLE {name} AS SELECT {listed} FROM (SELECT {', '.join(made)} FROM {good})")
    return reads


def _told(field: pa.Field, kinds: dict[str, dict[str, Any]]) -> str:
    type = kinds.get(field.name, {}).get("type", "")
    return type if type in ("image", "json") else type_of(field.type)


def _figures(connection: duckdb.DuckDBPyConnection, reads: list[Read], count: int) -> dict[str, dict[str, Any]]:
    """Of each column by its name."""
    asked = {(read.name, fact): sql for read in reads for fact, sql in _asked(read).items()}
    answer = _one(connection, f"SELECT {', '.join(asked.values())} FROM seen") if asked else ()
    found: dict[str, dict[str, Any]] = {read.name: {} for read in reads}
    for (name, fact), value in zip(asked, answer, strict=True):
        found[name][fact] = value
    for read in reads:
        facts = found[read.name]
        facts["missing"] = count - facts.pop("known") - facts.get("wrong", 0)
        marks = facts.pop("marks", None)
        facts["quantiles"] = dict(zip(map(str, QUANTILES), marks, strict=True)) if marks else None
    _draw(connection, [read for read in reads if read.type in NUMBERS], found)
    for read in reads:
        found[read.name] |= _values(connection, read, found[read.name])
    return found


def _asked(read: Read) -> dict[str, str]:
    """SQL of the figures of a column, by their names."""
    c = f"c{read.at}"
    asked = {"known": f"count({c})"}
    if read.found:
        asked |= {"wrong": f"count(b{read.at})", "example": f"left(any_value(b{read.at}), {LONGEST})"}
    if read.type in BYTES:
        return asked | {"size": f"avg({c})"}
    asked["distinct"] = f"approx_count_distinct({c})"
    if read.type in NUMBERS:
        d, only = read.number, f"FILTER ({read.sound})"
        marks = ", ".join(map(str, QUANTILES))
        return asked | {
            "least": f"min({d}) {only}", "greatest": f"max({d}) {only}", "mean": f"avg({d}) {only}",
            "deviation": f"stddev_samp({d}) {only}", "marks": f"quantile_cont({d}, [{marks}]) {only}",
        }  # fmt: skip
    if read.type in ("text", "json"):
        return asked | {"shortest": f"min(length({c}))", "longest": f"max(length({c}))", "length": f"avg(length({c}))"}
    return asked


def _draw(connection: duckdb.DuckDBPyConnection, reads: list[Read], found: dict[str, dict[str, Any]]) -> None:
    """Counts in bins of equal width, for each number whose values differ; all in one scan."""
    drawn = [(read, *_span(read, found[read.name])) for read in reads if _differ(found[read.name])]
    if not drawn:
        return
    asked = []
    for read, low, high, bins in drawn:
        d, width = read.number, (high - low) / bins
        place = f"least({bins - 1}, floor(({d} - {low!r}) / {width!r}))"
        place = f"CASE WHEN {d} < {low!r} THEN -1 WHEN {d} > {high!r} THEN {bins} ELSE {place} END"
        asked.append(f"histogram(TRY_CAST({place} AS INTEGER)) FILTER ({read.sound})")
    answer = _one(connection, f"SELECT {', '.join(asked)} FROM seen")
    for (read, low, high, bins), counts in zip(drawn, answer, strict=True):
        found[read.name]["bins"] = {
            "low": low, "high": high, "counts": [counts.get(i, 0) for i in range(bins)],
            "below": counts.get(-1, 0), "above": counts.get(bins, 0),
        }  # fmt: skip


def _differ(facts: dict[str, Any]) -> bool:
    return facts["least"] is not None and facts["least"] < facts["greatest"]


def _span(read: Read, facts: dict[str, Any]) -> tuple[float, float, int]:
    """From where to where bins go, and how many: a few whole numbers have one each, and far ends are left out."""
    low, high, marks = facts["least"], facts["greatest"], list(facts["quantiles"].values())
    if read.type == "integer" and high - low < BINS:
        return low - 0.5, high + 0.5, int(high - low) + 1
    middle = marks[-1] - marks[0]
    if middle > 0:
        low = low if marks[0] - low <= FAR * middle else marks[0]
        high = high if high - marks[-1] <= FAR * middle else marks[-1]
    return low, high, BINS


def _values(connection: duckdb.DuckDBPyConnection, read: Read, facts: dict[str, Any]) -> dict[str, Any]:
    """The most frequent values with their counts, where there are few enough to count; the number of them is exact."""
    if facts.get("distinct", FEW + 1) > FEW:
        return {}
    c = f"c{read.at}"
    counted = f"SELECT {c} AS v, count(*) AS n FROM seen WHERE {c} IS NOT NULL GROUP BY {c}"
    told = f"left(v::VARCHAR, {LONGEST})"
    rows = connection.execute(
        f"SELECT {told}, n, count(*) OVER () FROM ({counted}) ORDER BY n DESC, v LIMIT {VALUES}"
    ).fetchall()
    exact = {"distinct": int(rows[0][2]) if rows else 0, "counted": True}
    if read.type in ("number", *MOMENTS) and exact["distinct"] > VALUES:
        return exact
    return {**exact, "values": [{"value": value, "count": n} for value, n, _ in rows]}


def _doubles(connection: duckdb.DuckDBPyConnection, reads: list[Read]) -> int:
    """Rows that are like one before them."""
    if not reads:
        return 0
    row = ", ".join(f"{'h' if read.type in BYTES else 'c'}{read.at}" for read in reads)
    return int(_one(connection, f"SELECT count(*) - count(DISTINCT hash({row})) FROM seen")[0])


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return tuple(row)
