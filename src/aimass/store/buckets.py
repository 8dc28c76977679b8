"""Long curves as narrow stretches, cut by the database: of each its lowest, highest and last value.

So a curve of a million points costs its reader a few hundred rows, and no spike is lost (`store.curves` does the same
to what has been read already).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aimass.store import tables as t
from aimass.store.catalog import Catalog

Stretch = tuple[float, float, float, float]  # position of the last point, lowest, highest, last value
AT_ONCE = 4  # curves that are cut at once: databases work on them beside each other


@dataclass(frozen=True)
class Curve:
    """COUNT points in all; EXACT when each is there by itself, else `stretches` sum them up.

    BY says what their position is: "at" (epoch, step), or "time" (seconds since 1970).
    """

    by: str
    count: int
    exact: bool
    stretches: list[Stretch]


def names_of(catalog: Catalog, run: int) -> dict[str, bool]:
    """The figures of RUN by name, and whether they have positions."""
    query = sa.select(t.latest.c.name, t.latest.c.at).where(t.latest.c.run == run).order_by(t.latest.c.name)
    return {row["name"]: row["at"] is not None for row in catalog.rows(query)}


def newest_point(catalog: Catalog) -> int:
    """The id of the newest point of any run; 0 where there is none."""
    return int(catalog.rows(sa.select(sa.func.max(t.metric.c.id).label("id")))[0]["id"] or 0)


def together(cuts: Sequence[Callable[[], Curve]]) -> list[Curve]:
    """What CUTS give, in their order; some of them are made at once."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda one: one(), cuts))


def cut(catalog: Catalog, run: int, name: str, *, by: str, points: int, through: int, low: float | None = None,
        high: float | None = None) -> Curve:  # fmt: skip
    """The curve NAME of RUN from position LOW to HIGH, as at most POINTS stretches of equal width.

    Points with ids above THROUGH are left out, so that who follows the curve live knows where to go on.
    """
    x = t.metric.c.at if by == "at" else t.metric.c.time
    where = [t.metric.c.run == run, t.metric.c.name == name, t.metric.c.id <= through, x.is_not(None)]
    where += [] if low is None else [x >= low]
    where += [] if high is None else [x <= high]
    ordered = sa.select(x, t.metric.c.value).where(*where).order_by(t.metric.c.id)
    few = ordered.limit(points + 1).subquery()
    if catalog.tuples(sa.select(sa.func.count()).select_from(few))[0][0] <= points:
        every = sorted(((place, value) for place, value in catalog.tuples(ordered)), key=lambda point: point[0])
        return Curve(by, len(every), True, [(place, value, value, value) for place, value in every])
    ends = sa.select(x).where(*where).limit(1)
    begin = catalog.tuples(ends.order_by(t.metric.c.id))[0][0] if low is None else low
    end = catalog.tuples(ends.order_by(t.metric.c.id.desc()))[0][0] if high is None else high
    found = _stretches(catalog, where, x, begin, end, points)
    least, most = min(one.first for one in found), max(one.final for one in found)
    if least < begin or most > end:  # positions went back, as after a resume: the first and last are not the ends
        found = _stretches(catalog, where, x, least, most, points)
    return Curve(by, sum(one.many for one in found), False, [(one.x, one.low, one.high, one.value) for one in found])


def _stretches(catalog: Catalog, where: list[Any], x: Any, low: float, high: float, points: int) -> list[Any]:
    """The points that fit WHERE, in POINTS stretches from LOW to HIGH; what lies outside is in the first and last."""
    v, number = t.metric.c.value, _number(catalog, x, low, high, points)
    facts = {"many": sa.func.count(), "first": sa.func.min(x), "final": sa.func.max(x), "low": sa.func.min(v),
             "high": sa.func.max(v), "last": sa.func.max(t.metric.c.id)}  # fmt: skip
    each = sa.select(*(fact.label(name) for name, fact in facts.items())).where(*where).group_by(number).subquery()
    query = sa.select(each, x.label("x"), v.label("value")).join_from(each, t.metric, t.metric.c.id == each.c.last)
    return catalog.tuples(query.order_by(x, t.metric.c.id))


def _number(catalog: Catalog, x: Any, low: float, high: float, points: int) -> Any:
    """Which of the POINTS stretches from LOW to HIGH the position X is in."""
    if not high > low:
        return sa.literal(0)
    place = (x - low) * (points / (high - low))
    if catalog.engine.dialect.name == "sqlite":  # its cast rounds down by itself, its min and max are of a row, too
        return sa.func.min(sa.func.max(sa.cast(place, sa.Integer), 0), points - 1)
    return sa.cast(sa.func.least(sa.func.greatest(sa.func.floor(place), 0), points - 1), sa.Integer)
