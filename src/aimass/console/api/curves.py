"""Curves of a run, never more than a screen can show, and no spike lost."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, FiniteFloat
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import RUN
from aimass.console.api.bodies import PROBLEMS, Id
from aimass.console.api.runs import run_of
from aimass.console.place import place_of
from aimass.core.errors import InputError, pick
from aimass.store import buckets, figures

router = APIRouter(prefix="/api/v1/runs", tags=["runs"], responses=PROBLEMS)
MOST = 64  # curves at once


class Curve(BaseModel):
    """COUNT points in all; EXACT when `points` are all of them.

    A point is [x, lowest, highest, last value] of a stretch.
    X is what the figure was reported at (BY "at"), or seconds since 1970 (BY "time").
    """

    by: str
    count: int
    exact: bool
    points: list[tuple[float, float, float, float]]


class Curves(BaseModel):
    """By name.  Live points with ids above THROUGH come after these."""

    curves: dict[str, Curve]
    through: int


@router.get("/{id}/curves", response_model=Curves)
def curves(
    request: Request,
    id: Id,
    names: Annotated[str, Query(max_length=10_000, description="with commas between (default: the first 64)")] = "",
    points: Annotated[int, Query(ge=2, le=5000, description="of each curve at most")] = 800,
    low: Annotated[FiniteFloat | None, Query(description="from this x on")] = None,
    high: Annotated[FiniteFloat | None, Query(description="up to this x")] = None,
    x: Annotated[Literal["at", "time"], Query(description="time for figures without positions, too")] = "at",
    caller: Caller = needs("runs.see", of=RUN),
) -> Any:
    """Figures of a run as curves."""
    catalog = place_of(request).catalog
    run_of(catalog, id)
    known = buckets.names_of(catalog, id)
    every = sorted(known, key=figures.of_machine)  # those of its machine come last
    wanted = list(dict.fromkeys(name for name in names.split(",") if name)) or every[:MOST]
    if len(wanted) > MOST:
        raise InputError(f"{len(wanted)} curves at once", expected=f"at most {MOST}", key="names")
    through, found = buckets.newest_point(catalog), {}
    for name in wanted:
        by = x if pick("figure of this run", name, known) else "time"
        curve = buckets.cut(catalog, id, name, by=by, points=points, through=through, low=low, high=high)
        found[name] = {"by": by, "count": curve.count, "exact": curve.exact, "points": curve.stretches}
    return {"curves": found, "through": through}
