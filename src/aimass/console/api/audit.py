"""The audit: what was done, by whom, with what was before and after."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED
from aimass.console.api.bodies import PROBLEMS, Id
from aimass.console.place import place_of

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], responses=PROBLEMS)


class Entry(BaseModel):
    """WHO did WHAT ("users.create") to SUBJECT; what it was BEFORE and is AFTER."""

    id: int
    time: str
    who: str
    what: str
    subject: str
    before: Any
    after: Any
    address: str
    request: str


class Entries(BaseModel):
    """NEXT is `after` of the page behind this one; null on the last."""

    rows: list[Entry]
    next: int | None


@router.get("", response_model=Entries)
def entries(
    request: Request,
    after: Id | None = None,
    who: Annotated[str, Query(max_length=80)] = "",
    what: Annotated[str, Query(max_length=64, description="what begins so: users., session.refused")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    caller: Caller = needs("audit.see", of=LISTED),
) -> Any:
    """What was done, newest first."""
    rows = audit.entries(place_of(request).catalog, who=who, what=what, before=after, limit=limit + 1)
    return {"rows": rows[:limit], "next": rows[limit - 1]["id"] if len(rows) > limit else None}
