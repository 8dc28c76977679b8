"""Sources: what is collected from where, and each fetch of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED, SOURCE
from aimass.console.api.bodies import PROBLEMS, Id
from aimass.console.place import place_of
from aimass.console.refusals import missing
from aimass.store import sources

router = APIRouter(prefix="/api/v1/sources", tags=["sources"], responses=PROBLEMS)


class Source(BaseModel):
    """What a collector reads into the table NAME of the lake; WHERE it is, TERMS as its settings say them.

    STATE and TRIED are of the newest run, FETCHED, DATASET, ROWS and MALFORMED of the newest that went well.
    """

    name: str
    collector: str
    where: str
    settings: dict[str, Any]
    terms: dict[str, str]
    state: str
    error: dict[str, Any] | None
    run: int
    fetches: int
    tried: str
    fetched: str | None
    dataset: str | None
    rows: int | None
    malformed: int | None
    version: int | None


class Sources(BaseModel):
    """By name.  NEXT is `after` of the page behind this one, null on the last."""

    rows: list[Source]
    next: str | None


class Fetch(BaseModel):
    """A run of `collect`: the ROWS of the table after it, CHANGE of them, its VERSION, and the dataset that it is."""

    id: int
    state: str
    started: str
    ended: str | None
    seconds: float
    output: str | None
    error: dict[str, Any] | None
    host: str
    rows: int | None
    change: int | None
    version: int | None
    malformed: int | None


class Detail(Source):
    """A source with its fetches, newest first; NEXT is `before` of those behind, null on the last."""

    history: list[Fetch]
    next: int | None


@router.get("", response_model=Sources)
def listed(
    request: Request, limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str, Query(max_length=300, description="a name")] = "",
    caller: Caller = needs("data.see", of=LISTED),
) -> Any:  # fmt: skip
    """Every source that was ever read, by name."""
    rows, more = sources.sources(place_of(request).catalog, limit=limit, after=after)
    return {"rows": rows, "next": more}


@router.get("/{name:path}", response_model=Detail)
def one(
    request: Request, name: str, limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[Id | None, Query(description="fetches before this run")] = None,
    caller: Caller = needs("data.see", of=SOURCE),
) -> Any:  # fmt: skip
    """A source with its fetches."""
    catalog = place_of(request).catalog
    found = sources.source(catalog, name)
    if found is None:
        raise missing(f"there is no source {name[:100]}")
    history, more = sources.fetches(catalog, name, limit=limit, before=before)
    return {**found, "history": history, "next": more}
