"""Runs side by side: what they were told, what came of it, and one figure of all of them as curves."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, FiniteFloat
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED
from aimass.console.api.bodies import PROBLEMS
from aimass.console.api.curves import Curve
from aimass.console.api.runs import Run, Work
from aimass.console.place import place_of
from aimass.core.errors import InputError
from aimass.store import buckets, figures, listed
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

router = APIRouter(prefix="/api/v1/compare", tags=["compare"], responses=PROBLEMS)
MOST = 200  # runs in a table
DRAWN = 20  # curves on a chart
Chosen = Annotated[str, Query(min_length=1, max_length=4000, description="numbers, with commas between")]


class Summary(BaseModel):
    """A figure of a run: its newest `value`, reported `at`; how often, and its extremes where they were first reached.

    Positions are null for figures that are reported without one.
    """

    value: float
    at: float | None
    count: int
    least: float
    least_at: float | None
    greatest: float
    greatest_at: float | None


class Compared(Run):
    """A run with its task and what there is to say of each of its figures."""

    task: Work
    figures: dict[str, Summary]


class Comparison(BaseModel):
    """In the order that was asked for; MISSING are numbers that no run has."""

    runs: list[Compared]
    missing: list[int]


class Beside(BaseModel):
    """The curve of each run that has this figure, by its number.  X of `since` is seconds since the run began."""

    curves: dict[str, Curve]
    through: int


@router.get("", response_model=Comparison)
def compare(request: Request, runs: Chosen, caller: Caller = needs("runs.see", of=LISTED)) -> Any:
    """Runs beside each other: settings, inputs, and each figure with its newest, least and greatest value."""
    catalog, ids = place_of(request).catalog, _numbers(runs, MOST)
    rows = {row["id"]: row for row in listed.some(catalog, t.run.c.id.in_(ids))}
    tasks = catalog.rows(sa.select(t.run.c.id, t.run.c.task_json).where(t.run.c.id.in_(ids)))
    work, known = {row["id"]: json.loads(row["task_json"]) for row in tasks}, figures.of_runs(catalog, ids)
    found = [{**rows[id], "task": work[id], "figures": known.get(id, {})} for id in ids if id in rows]
    return {"runs": found, "missing": [id for id in ids if id not in rows]}


@router.get("/curves", response_model=Beside)
def curves(
    request: Request,
    runs: Chosen,
    name: Annotated[str, Query(min_length=1, max_length=128, description="of the figure")],
    points: Annotated[int, Query(ge=2, le=5000, description="of each curve at most")] = 800,
    low: Annotated[FiniteFloat | None, Query(description="from this x on")] = None,
    high: Annotated[FiniteFloat | None, Query(description="up to this x")] = None,
    x: Annotated[Literal["at", "since"], Query(description="the position, or seconds since the run began")] = "at",
    caller: Caller = needs("runs.see", of=LISTED),
) -> Any:
    """One figure of several runs, as curves on one axis."""
    catalog, ids = place_of(request).catalog, _numbers(runs, DRAWN)
    known, through = _with_figure(catalog, ids, name), buckets.newest_point(catalog)
    asked = {id: _span(known[id], x, low, high) for id in ids if id in known}
    cuts = [partial(buckets.cut, catalog, id, name, by=by, points=points, through=through, low=begin, high=end)
            for id, (by, _, begin, end) in asked.items()]  # fmt: skip
    found = zip(asked.items(), buckets.together(cuts), strict=True)
    return {"curves": {str(id): _told(curve, by if x == "at" else x, start) for (id, (by, start, *_)), curve in found},
            "through": through}  # fmt: skip


def _numbers(text: str, most: int) -> list[int]:
    """The numbers in TEXT, each once.  Raises InputError."""
    words = list(dict.fromkeys(word for word in text.split(",") if word))
    wrong = [word for word in words if not (word.isascii() and word.isdigit() and len(word) < 19)]
    if wrong or not words:
        raise InputError(f"{wrong[0][:40]!r} is no run" if wrong else "no run is named",
                         expected="numbers of runs with commas between", key="runs")  # fmt: skip
    if len(words) > most:
        raise InputError(f"{len(words)} runs at once", expected=f"at most {most}", key="runs")
    return [int(word) for word in words]


def _with_figure(catalog: Catalog, ids: list[int], name: str) -> dict[int, Row]:
    """When each of the runs that have the figure NAME began, and whether it has positions."""
    query = sa.select(t.run.c.id, t.run.c.started, t.latest.c.at).join_from(
        t.latest, t.run, t.run.c.id == t.latest.c.run
    )
    rows = catalog.rows(query.where(t.run.c.id.in_(ids), t.latest.c.name == name))
    return {row["id"]: row for row in rows}


def _span(row: Row, x: str, low: float | None, high: float | None) -> tuple[str, float, float | None, float | None]:
    """What positions of a run's curve are, where they begin to count, from where to where they are asked for."""
    if x == "at":
        return "at" if row["at"] is not None else "time", 0.0, low, high
    start = datetime.fromisoformat(row["started"]).timestamp()
    return "time", start, low if low is None else start + low, high if high is None else start + high


def _told(curve: buckets.Curve, by: str, start: float) -> Row:
    points = [(x - start, *rest) for x, *rest in curve.stretches] if start else curve.stretches
    return {"by": by, "count": curve.count, "exact": curve.exact, "points": points}
