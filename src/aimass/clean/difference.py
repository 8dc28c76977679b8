"""Two versions of a dataset, side by side: columns that came and went, rows, and how far each column's values moved.

Drift is the population stability index, sum of (p - q) ln(p / q) over bins: tenths of the version before for numbers
and times, its most frequent values for the rest, one bin for missing values.  Below 0.1 is what the field calls stable,
above 0.25 shifted.  Two samples of one source have some, too: rows * PSI is then distributed as chi-square (Yurdakul
2018), and what stays within 99.9 % of that is called chance, whatever its size.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as ds

from aimass.clean.looked import BYTES, MOMENTS, NUMBERS, Read, Seen, looking, typed_copy
from aimass.clean.profile import FEW, LONGEST
from aimass.clean.sandbox import literal

REVISION = 1
TENTHS = tuple(i / 10 for i in range(1, 10))
FREQUENT = 20  # values of the version before that have a bin of their own
SLIGHT, STRONG = 0.1, 0.25
CHANCE = 3.09  # deviations of a normal: one in a thousand is beyond
OTHER, MISSING = "another value", "no value"

NOTHING: dict[str, Any] = {
    "drift": None,
    "chance": None,
    "verdict": "",
    "labels": [],
    "shares_before": [],
    "shares_after": [],
}

Columns = list[dict[str, Any]]


def difference(
    before: ds.Dataset, after: ds.Dataset, columns: tuple[Columns, Columns], scratch: Path, *, most: int = 0
) -> dict[str, Any]:  # fmt: skip
    """What AFTER has that BEFORE had not, and the drift of each column both have, as JSON.

    Where AFTER holds all files of BEFORE and more, the rows that were added are compared with those before them.
    COLUMNS are those of the two dataset.json; SCRATCH is an empty folder.
    """
    begun = time.monotonic()
    added = _added(before, after)
    was = typed_copy(before, columns[0], scratch, "was", most=most)
    now = typed_copy(after if added is None else added, columns[1], scratch, "now", most=most)
    with looking({"was": was.rows, "now": now.rows}, scratch) as connection:
        told = _columns(connection, was, now)
    return {"columns": told, "rows_before": was.looked.total, "rows_after": after.count_rows(),
            "added": added is not None, "looked_before": was.count, "looked_after": now.count,
            "exact": was.looked.exact and now.looked.exact, "seconds": round(time.monotonic() - begun, 3)}  # fmt: skip


def _added(before: ds.Dataset, after: ds.Dataset) -> ds.Dataset | None:
    """The rows of AFTER that BEFORE had not, where nothing else changed; None where rows were replaced."""
    known, files = set(before.files), after.files
    if not known < set(files):
        return None
    fresh = [file for file in files if file not in known]
    return ds.dataset(fresh, schema=after.schema, format=after.format, filesystem=after.filesystem)


def _columns(connection: duckdb.DuckDBPyConnection, was: Seen, now: Seen) -> list[dict[str, Any]]:
    """Every column of either, those that moved most first."""
    old, new = {read.name: read for read in was.reads}, {read.name: read for read in now.reads}
    told = []
    for name in dict.fromkeys([*old, *new]):
        first, second = old.get(name), new.get(name)
        facts = {**NOTHING, "name": name, "before": first and first.type, "after": second and second.type}
        if first and second and first.type == second.type and was.count and now.count:
            facts |= _drift(connection, first, second)
        told.append({**facts, "change": _change(first, second)})
    return sorted(told, key=lambda one: (one["change"] == "", -(one["drift"] or 0.0)))


def _change(first: Read | None, second: Read | None) -> str:
    if first is None:
        return "added"
    if second is None:
        return "removed"
    return "" if first.type == second.type else "type"


def _drift(connection: duckdb.DuckDBPyConnection, first: Read, second: Read) -> dict[str, Any]:
    """How far the values of a column moved; nothing where they have no shape to compare (images, names of rows)."""
    bins = _bins(connection, first)
    if bins is None:
        return {}
    labels, place = bins
    counts = [
        _counted(connection, table, place(read), len(labels)) for table, read in (("was", first), ("now", second))
    ]
    index, chance = stability(*counts)
    shares = [[n / max(sum(each), 1) for n in each] for each in counts]
    return {"drift": index, "chance": chance, "verdict": verdict(index, chance), "labels": labels,
            "shares_before": shares[0], "shares_after": shares[1]}  # fmt: skip


def verdict(index: float, chance: float) -> str:
    """stable, slight or strong."""
    if index < SLIGHT or index <= chance:
        return "stable"
    return "strong" if index >= STRONG else "slight"


def stability(before: Sequence[int], after: Sequence[int]) -> tuple[float, float]:
    """The population stability index of two counts over the same bins, and the one that chance hardly exceeds.

    Half a row is added to each bin, so that an empty one gives no infinity.
    """
    sizes, bins = (sum(before), sum(after)), len(before)
    p, q = ([(n + 0.5) / (size + 0.5 * bins) for n in each] for each, size in zip((before, after), sizes, strict=True))
    index = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    free = max(sum(1 for a, b in zip(before, after, strict=True) if a or b) - 1, 1)
    return index, chi_square(free) * sum(1 / max(size, 1) for size in sizes)


def chi_square(free: int) -> float:
    """What one in a thousand exceeds, of FREE degrees of freedom (Wilson and Hilferty 1931)."""
    part = 2 / (9 * free)
    return float(free * (1 - part + CHANCE * math.sqrt(part)) ** 3)


def _bins(connection: duckdb.DuckDBPyConnection, read: Read) -> tuple[list[str], Any] | None:
    """Names of the bins of the version before, and the SQL of the bin of a value."""
    if read.type in BYTES:
        return None
    c = f"c{read.at}"
    known, distinct = connection.execute(f"SELECT count({c}), approx_count_distinct({c}) FROM was").fetchone() or (0, 0)
    if read.type in NUMBERS and distinct > FREQUENT:
        return _tenths(connection, read)
    if distinct > FEW or distinct > max(known / 2, FREQUENT):
        return None
    return _frequent(connection, read)


def _tenths(connection: duckdb.DuckDBPyConnection, read: Read) -> tuple[list[str], Any]:
    query = f"SELECT quantile_cont({read.number}, {list(TENTHS)}) FILTER ({read.sound}) FROM was"
    marks = sorted(set((connection.execute(query).fetchone() or ([],))[0] or []))
    told = [_moment(mark) if read.type in MOMENTS else f"{mark:.4g}" for mark in marks]
    labels = [*(f"up to {text}" for text in told), f"above {told[-1]}" if told else "any", MISSING]

    def place(read: Read) -> str:
        cases = " ".join(f"WHEN {read.number} <= {mark!r} THEN {i}" for i, mark in enumerate(marks))
        missing = f"WHEN c{read.at} IS NULL OR isnan({read.number}) THEN {len(marks) + 1}"
        return f"CASE {missing} {cases} ELSE {len(marks)} END"

    return labels, place


def _moment(seconds: float) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=round(seconds)):%Y-%m-%d %H:%M}"


def _frequent(connection: duckdb.DuckDBPyConnection, read: Read) -> tuple[list[str], Any]:
    """Values are compared by their text as a whole; only labels are cut short."""
    c = f"c{read.at}"
    counted = f"SELECT {c}::VARCHAR AS v, count(*) AS n FROM was WHERE {c} IS NOT NULL GROUP BY v"
    values = [row[0] for row in connection.execute(f"{counted} ORDER BY n DESC, v LIMIT {FREQUENT}").fetchall()]
    labels = [*(value[:LONGEST] for value in values), OTHER, MISSING]

    def place(read: Read) -> str:
        listed = ", ".join(map(literal, values))
        found = f"list_position([{listed}]::VARCHAR[], c{read.at}::VARCHAR)"
        return f"CASE WHEN c{read.at} IS NULL THEN {len(values) + 1} ELSE coalesce({found} - 1, {len(values)}) END"

    return labels, place


def _counted(connection: duckdb.DuckDBPyConnection, table: str, place: str, bins: int) -> list[int]:
    found = dict(connection.execute(f"SELECT {place} AS bin, count(*) FROM {table} GROUP BY bin").fetchall())
    return [found.get(i, 0) for i in range(bins)]
