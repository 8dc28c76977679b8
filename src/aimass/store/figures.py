"""Figures of runs without their history: the newest value, how many there were, the least and the greatest.

They are kept as figures are reported, so that a table of a hundred runs reads no curve.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aimass.store import tables as t

if TYPE_CHECKING:
    from aimass.store.catalog import Catalog, Row

MACHINE = "machine/"  # begins the names of figures that tell of the machine, not of the work
PEAK = MACHINE + "run_memory_gb"  # its greatest value is the most memory that the processes of a run had
Columns = Mapping[str, Any]
TOLD = ("value", "at", "count", "least", "least_at", "greatest", "greatest_at")


def of_machine(name: str) -> bool:
    """Whether the figure NAME tells what a machine did."""
    return name.startswith(MACHINE)


def of_work(name: Any) -> sa.ColumnElement[bool]:
    """The same about the column NAME, the other way round: what the step itself reported."""
    return sa.func.substr(name, 1, len(MACHINE)) != MACHINE


def of_runs(catalog: Catalog, runs: Iterable[int]) -> dict[int, dict[str, Row]]:
    """All figures of RUNS: by run, by name, the newest `value` with the position it was reported `at`, the `count` of
    reports, the `least` and the `greatest` with the positions where they were first reached."""
    columns = (t.latest.c.run, t.latest.c.name, *(t.latest.c[name] for name in TOLD))
    query = sa.select(*columns).where(t.latest.c.run.in_(list(runs))).order_by(t.latest.c.name)
    found: dict[int, dict[str, Row]] = {}
    for row in catalog.rows(query):
        found.setdefault(row["run"], {})[row["name"]] = {name: row[name] for name in TOLD}
    return found


def summed(points: Iterable[Row]) -> list[Row]:
    """What POINTS of one run, oldest first, say of each of their figures."""
    found: dict[str, Row] = {}
    for point in points:
        at, value = point["at"], point["value"]
        alone = {**point, "count": 1, "least": value, "least_at": at, "greatest": value, "greatest_at": at}
        before = found.get(point["name"])
        found[point["name"]] = {**alone, **_extremes(before, alone)} if before else alone
    return list(found.values())


def _extremes(before: Row, now: Row) -> Row:
    low = now if now["least"] < before["least"] else before
    high = now if now["greatest"] > before["greatest"] else before
    return {"count": before["count"] + now["count"], "least": low["least"], "least_at": low["least_at"],
            "greatest": high["greatest"], "greatest_at": high["greatest_at"]}  # fmt: skip


def keep(link: sa.Connection, points: list[Row]) -> None:
    """Let what is known of figures hold POINTS of one run, too, in the transaction of LINK."""
    insert: Any = (sqlite if link.dialect.name == "sqlite" else postgresql).insert(t.latest)
    newest = {name: insert.excluded[name] for name in ("at", "value", "time")}
    changed = newest | _grown(cast(Any, t.latest.c), insert.excluded)
    link.execute(insert.on_conflict_do_update(index_elements=["run", "name"], set_=changed), summed(points))


def _grown(before: Columns, now: Columns) -> dict[str, Any]:
    """What is known BEFORE, with what is told NOW, as expressions of the database."""
    lower, higher = now["least"] < before["least"], now["greatest"] > before["greatest"]
    changed = {"least": lower, "least_at": lower, "greatest": higher, "greatest_at": higher}
    extremes = {name: sa.case((better, now[name]), else_=before[name]) for name, better in changed.items()}
    return {"count": before["count"] + now["count"], **extremes}
