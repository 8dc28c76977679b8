"""What a run has said."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import RUN
from aimass.console.api.bodies import PROBLEMS, Id
from aimass.console.api.runs import run_of
from aimass.console.place import place_of
from aimass.store import tables as t

router = APIRouter(prefix="/api/v1/runs", tags=["runs"], responses=PROBLEMS)


class Line(BaseModel):
    id: int
    time: str
    text: str


class Lines(BaseModel):
    """Oldest first.  NEXT is `after` of what follows; null where nothing does (yet)."""

    lines: list[Line]
    next: int | None


@router.get("/{id}/logs", response_model=Lines)
def logs(
    request: Request,
    id: Id,
    after: Annotated[Id | None, Query(description="lines that follow this one")] = None,
    before: Annotated[Id | None, Query(description="the last lines before this one; of all, when it is large")] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
    text: Annotated[str, Query(max_length=200, description="only lines with this in them")] = "",
    caller: Caller = needs("runs.see", of=RUN),
) -> Any:
    """Lines of a run's log."""
    catalog = place_of(request).catalog
    run_of(catalog, id)
    line = t.log.c
    query = sa.select(line.id, line.time, line.text).where(line.run == id, line.id > (after or 0))
    if before is not None:
        query = query.where(line.id < before)
    if text:
        query = query.where(line.text.icontains(text, autoescape=True))
    rows = catalog.rows(query.order_by(line.id if before is None else line.id.desc()).limit(limit + 1))
    more, rows = len(rows) > limit and before is None, rows[:limit]
    return {"lines": rows if before is None else rows[::-1], "next": rows[-1]["id"] if more else None}
