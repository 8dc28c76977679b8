"""What the columns of a dataset hold, in figures small enough to be drawn: gaps, values, shapes, equal rows.

What was collected as text is read as its contract would read it, so that a column of digits has a mean, and what is
no number in it is counted.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as ds

from aimass.clean.contract import batched
from aimass.clean.findings import findings
from aimass.clean.looked import BYTES, NUMBERS, Read, looking, typed_copy
from aimass.clean.stretches import HEAVY

REVISION = 1  # raised when the same rows give another profile
BINS = 24
VALUES = 12  # of a column, the most frequent
FEW = 10_000  # distinct values up to which they are counted one by one
LONGEST = 120  # letters of a value
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FAR = 3.0  # times the width of the middle, beyond which an end is drawn as "and more"


def profile(
    rows: ds.Dataset, columns: list[dict[str, Any]], scratch: Path, *, most: int = 0, heavy: int = HEAVY
) -> dict[str, Any]:
    """The profile of ROWS, whose COLUMNS (name, type, shape) are those of its dataset.json, as JSON.

    MOST rows are looked at, by default as many as have CELLS.  SCRATCH is an empty folder.  Raises InputError after
    SECONDS.
    """
    begun = time.monotonic()
    seen = typed_copy(rows, columns, scratch, "seen", most=most, heavy=heavy)
    with looking({"seen": seen.rows}, scratch) as connection:
        found = _figures(connection, seen.reads, seen.count)
        doubles = _doubles(connection, seen.reads)
    told = [{"name": read.name, "type": read.type, "found": read.found, **found[read.name]} for read in seen.reads]
    return {"total": seen.looked.total, "rows": seen.count, "malformed": seen.looked.count - seen.count,
            "exact": seen.looked.exact, "columns": told, "doubles": doubles,
            "findings": findings(told, seen.count, doubles), "seconds": round(time.monotonic() - begun, 3)}  # fmt: skip


def _figures(connection: duckdb.DuckDBPyConnection, reads: list[Read], count: int) -> dict[str, dict[str, Any]]:
    """Of each column by its name."""
    found: dict[str, dict[str, Any]] = {}
    for some in batched(reads):
        asked = {(read.name, fact): sql for read in some for fact, sql in _asked(read).items()}
        answer = _one(connection, f"SELECT {', '.join(asked.values())} FROM seen")
        for (name, fact), value in zip(asked, answer, strict=True):
            found.setdefault(name, {})[fact] = value
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
    """Counts in bins of equal width, for each number whose values differ."""
    for some in batched([read for read in reads if _differ(found[read.name])]):
        _bin(connection, some, found)


def _bin(connection: duckdb.DuckDBPyConnection, reads: list[Read], found: dict[str, dict[str, Any]]) -> None:
    drawn = [(read, *_span(read, found[read.name])) for read in reads]
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
    if read.type in NUMBERS and exact["distinct"] > BINS:
        return exact  # they are drawn in bins
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
