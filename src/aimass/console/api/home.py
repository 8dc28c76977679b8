"""Home: are things well, what needs me, what runs, what was released."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED
from aimass.console.api.bodies import PROBLEMS
from aimass.console.api.runs import Run
from aimass.console.endpoints.trouble import troubles
from aimass.console.place import place_of
from aimass.console.wellbeing import MOST, centres, figures_of
from aimass.console.wellbeing import needs as needs_of
from aimass.store import listed
from aimass.store import tables as t

router = APIRouter(prefix="/api/v1", tags=["home"], responses=PROBLEMS)
RUNNING, RELEASES = 20, 5


class Centre(BaseModel):
    """How a centre is, since when and why, and what to do next."""

    name: str
    state: Literal["good", "warning", "bad", "off"]
    reason: str
    since: str | None
    next: str | None


class Need(BaseModel):
    """What waits for a person: `do` leads to `href`, or is a command where that is empty."""

    what: str
    why: str
    do: str
    href: str


class Release(BaseModel):
    """A version, and what was measured of it against its budgets."""

    name: str
    version: int
    digest: str
    created: str
    metrics: dict[str, float]


class Home(BaseModel):
    centres: list[Centre]
    needs: list[Need]
    running: list[Run]
    releases: list[Release]


@router.get("/home", response_model=Home)
def home(request: Request, caller: Caller = needs("home.see", of=LISTED)) -> Any:
    """How things are."""
    place = place_of(request)
    space = place.workspace
    running = listed.some(space.catalog, t.run.c.state.in_(("running", "stopping")), limit=RUNNING)
    versions = space.versions()
    names = {row["name"] for row in versions} if space.catalog.reach else None
    newest = sorted(versions, key=lambda row: row["created"], reverse=True)[:RELEASES]
    releases = [{"name": row["name"], "version": row["number"], "digest": row["digest"], "created": row["created"],
                 "metrics": figures_of(space, row["digest"])} for row in newest]  # fmt: skip
    waiting = [*troubles(place.ring, names), *needs_of(space)][:MOST]
    return {"centres": [one._asdict() for one in centres(space)], "needs": [one._asdict() for one in waiting],
            "running": running, "releases": releases}  # fmt: skip
