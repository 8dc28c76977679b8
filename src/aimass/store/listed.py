"""Runs page by page: filtered, sorted and counted by the database, with the newest figures of those that are shown."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from aimass.core.errors import InputError, unknown
from aimass.store import figures
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

SHOWN = ("id", "label", "step", "state", "started", "ended", "output", "error", "host")
LATE = "~"  # sorts behind every time: what has not ended ends last
SORTS: dict[str, Any] = {
    "id": t.run.c.id,
    "started": t.run.c.started,
    "ended": sa.func.coalesce(t.run.c.ended, LATE),
    "label": t.run.c.label,
    "step": t.run.c.step,
    "state": t.run.c.state,
}


def page(catalog: Catalog, *, sort: str = "-started", states: Collection[str] = (), steps: Collection[str] = (),
         text: str = "", limit: int = 100, after: str | None = None) -> tuple[list[Row], str | None, int]:  # fmt: skip
    """Runs, the cursor of the page behind this one (None on the last), and how many there are in all.

    SORT is one of SORTS, with a minus for the greatest first; TEXT stands in label or step, or is a number.  AFTER is
    the cursor that the page before gave.  Raises InputError for a sort or a cursor that is none.
    """
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        raise unknown("column to sort by", name[:40], SORTS, key="sort")
    column, where = SORTS[name], _where(states, steps, text)
    query = sa.select(*(t.run.c[c] for c in SHOWN), column.label("place")).where(*where)
    if after is not None:
        here, there = sa.tuple_(column, t.run.c.id), sa.tuple_(*map(sa.literal, _read(after, sort)))
        query = query.where(here < there if down else here > there)
    order = (column.desc(), t.run.c.id.desc()) if down else (column, t.run.c.id)
    rows = catalog.rows(query.order_by(*order).limit(limit + 1))
    total = catalog.rows(sa.select(sa.func.count().label("n")).select_from(t.run).where(*where))[0]["n"]
    more = _cursor(sort, rows[limit - 1]) if len(rows) > limit else None
    return with_figures(catalog, rows[:limit]), more, int(total)


def some(catalog: Catalog, *conditions: sa.ColumnElement[bool], limit: int = 1000) -> list[Row]:
    """Runs for which CONDITIONS hold, newest first, with their newest figures."""
    query = sa.select(*(t.run.c[c] for c in SHOWN)).where(*conditions).order_by(t.run.c.id.desc()).limit(limit)
    return with_figures(catalog, catalog.rows(query))


def with_figures(catalog: Catalog, rows: list[Row]) -> list[Row]:
    """ROWS with "metrics", the newest value of each (one question for all of them), the "seconds" they took, and the
    most memory that they had ("memory_gb"; None where nobody has looked)."""
    found = newest(catalog, [row["id"] for row in rows])
    return [{**{c: row[c] for c in SHOWN}, "seconds": _seconds(row), **found[row["id"]]} for row in rows]


def _seconds(row: Row) -> float:
    """How long it took, or has taken so far; of other machines by their clocks, so never less than nothing."""
    ended = datetime.fromisoformat(row["ended"]) if row["ended"] else datetime.now(UTC)
    return round(max(0.0, (ended - datetime.fromisoformat(row["started"])).total_seconds()), 3)


def newest(catalog: Catalog, runs: Iterable[int]) -> dict[int, Row]:
    """Of each of RUNS the newest value of every figure that it reported ("metrics"), and the most memory it had."""
    found = {run: Row(metrics={}, memory_gb=None) for run in runs}
    if not found:
        return found
    f = t.latest.c
    where = (f.run.in_(found), figures.of_work(f.name) | (f.name == figures.PEAK))
    for row in catalog.rows(sa.select(f.run, f.name, f.value, f.greatest).where(*where).order_by(f.name)):
        if row["name"] == figures.PEAK:
            found[row["run"]]["memory_gb"] = row["greatest"]
        else:
            found[row["run"]]["metrics"][row["name"]] = row["value"]
    return found


def _where(states: Collection[str], steps: Collection[str], text: str) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if states:
        where.append(t.run.c.state.in_(states))
    if steps:
        where.append(t.run.c.step.in_(steps))
    if text:
        found = t.run.c.label.icontains(text, autoescape=True) | t.run.c.step.icontains(text, autoescape=True)
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
        where.append(found | (t.run.c.id == number))
    return where


def _cursor(sort: str, row: Row) -> str:
    return urlsafe_b64encode(json.dumps([sort, row["place"], row["id"]]).encode()).decode().rstrip("=")


def _read(cursor: str, sort: str) -> tuple[Any, int]:
    """Where the page before ended.  Raises InputError for what is no cursor of this SORT."""
    kind = int if sort.removeprefix("-") == "id" else str
    try:
        was, place, id = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        good = was == sort and type(place) is kind and type(id) is int and abs(id) < 1 << 63 and "\0" not in str(place)
        str(place).encode()
    except (ValueError, TypeError, RecursionError):
        good = False
    if not good or (kind is int and abs(place) >= 1 << 63):
        raise InputError(
            "this is no place in the list", expected="`next` of the page before, sorted the same way", key="after"
        )
    return place, id
