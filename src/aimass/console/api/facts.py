"""What the catalog knows, as `aimass ls`, `show`, `lineage`, `logs` and `curves` print it with --json: for programs.

The commands ask here when AIMASS_URL names this console, so what they print is the same.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED
from aimass.console.api.bodies import PROBLEMS
from aimass.console.facts import MOST, page
from aimass.console.place import place_of
from aimass.console.refusals import Refusal, missing
from aimass.core.errors import InputError
from aimass.runner.workspace import Workspace
from aimass.store import tables as t

router = APIRouter(prefix="/api/v1/facts", tags=["facts"], responses=PROBLEMS)
LARGEST = 16 << 20  # bytes of a file that is shown
BRANCHES = 10_000  # of a lineage
Kind = Literal["", "dataset", "examples", "model", "report", "release"]
Ref = Annotated[str, Query(min_length=1, max_length=300, description="a name, name@version or digest")]
Run = Annotated[str, Query(max_length=300, description="the number of a run")]
Limit = Annotated[int, Query(ge=1, le=MOST)]
After = Annotated[str, Query(max_length=2000, pattern=r"^[\w-]*$", description="`next` of the page before")]


class Rows(BaseModel):
    """Rows of a table of the catalog; `next` is `after` of those behind them, null on the last page."""

    rows: list[dict[str, Any]]
    next: str | None


class Said(BaseModel):
    """A run, and the newest value of each of its figures."""

    run: dict[str, Any]
    latest: dict[str, float]


class Curves(BaseModel):
    """Figures by name: [position, value, seconds since the run's start]."""

    curves: dict[str, list[tuple[float | None, float, float]]]


@router.get("/artifacts", response_model=Rows)
def artifacts(
    request: Request, kind: Kind = "", limit: Limit = 30, after: After = "",
    caller: Caller = needs("artifacts.see", of=LISTED),
) -> Any:  # fmt: skip
    """Artifacts, the newest first."""
    return _page(request, t.artifact, after, limit, *([t.artifact.c.kind == kind] if kind else []))


@router.get("/runs", response_model=Rows)
def runs(request: Request, caller: Caller = needs("runs.see", of=LISTED), limit: Limit = 30, after: After = "") -> Any:
    """Runs, the newest first."""
    told = _page(request, t.run, after, limit)
    return {**told, "rows": [{**row, "id": str(row["id"])} for row in told["rows"]]}


@router.get("/names", response_model=Rows)
def names(
    request: Request, caller: Caller = needs("artifacts.see", of=LISTED), limit: Limit = MOST, after: After = ""
) -> Any:
    """Names and the digests they lead to."""
    return _page(request, t.name, after, limit)


@router.get("/versions", response_model=Rows)
def versions(
    request: Request, caller: Caller = needs("artifacts.see", of=LISTED), limit: Limit = MOST, after: After = ""
) -> Any:
    """Versions of published names."""
    return _page(request, t.version, after, limit)


@router.get("/run", response_model=Said)
def run(request: Request, run: Run, caller: Caller = needs("runs.see", of=LISTED)) -> Any:
    """A run with its newest figures."""
    space = _run_of(request, run)
    return {"run": space.run_row(run), "latest": space.latest(run)}


@router.get("/log", response_model=Rows)
def log(
    request: Request, run: Run, caller: Caller = needs("runs.see", of=LISTED), limit: Limit = MOST, after: After = ""
) -> Any:  # fmt: skip
    """What a run has said: time and text, the oldest first."""
    _run_of(request, run)
    told = _page(request, t.log, after, limit, t.log.c.run == int(run))
    return {**told, "rows": [{"time": row["time"], "text": row["text"]} for row in told["rows"]]}


@router.get("/curves", response_model=Curves)
def curves(
    request: Request, run: Run, points: Annotated[int, Query(ge=2, le=5000)] = 500,
    caller: Caller = needs("runs.see", of=LISTED),
) -> Any:  # fmt: skip
    """The curves of a run, at most so many points each, its peaks and valleys kept."""
    return {"curves": _run_of(request, run).curves(run, points)}


@router.get("/artifact", response_model=dict[str, Any])
def artifact(request: Request, ref: Ref, caller: Caller = needs("artifacts.see", of=LISTED), kind: Kind = "") -> Any:
    """The manifest of what REF means."""
    return _space(request).get(ref, kind or None).manifest.as_json()


@router.get("/lineage", response_model=dict[str, Any])
def lineage(request: Request, ref: Ref, caller: Caller = needs("artifacts.see", of=LISTED)) -> Any:
    """What REF was made from, up to the sources."""
    return _space(request).lineage(ref, BRANCHES)


@router.get("/file", response_model=dict[str, Any])
def file(
    request: Request, ref: Ref, name: Annotated[str, Query(min_length=1, max_length=300)],
    caller: Caller = needs("artifacts.see", of=LISTED),
) -> Any:  # fmt: skip
    """A JSON file of an artifact, one that its manifest lists, as {"value": ...}."""
    found = _space(request).get(ref)
    if name not in found.manifest.files or not name.endswith(".json"):
        raise missing(f"{found.kind} {found.digest[:12]} has no JSON file {name[:100]!r}")
    if (found.folder / name).stat().st_size > LARGEST:
        raise InputError(f"{name[:100]} is too large to be shown", expected=f"at most {LARGEST} bytes", key="name")
    return {"value": found.read_json(name)}


def _page(request: Request, table: sa.Table, after: str, limit: int, *where: sa.ColumnElement[bool]) -> dict[str, Any]:
    rows, following = page(place_of(request).catalog, table, after, limit, *where)
    return {"rows": rows, "next": following}


def _space(request: Request) -> Workspace:
    return place_of(request).workspace


def _run_of(request: Request, run: str) -> Workspace:
    """The workspace, which has RUN.  Raises Refusal (404)."""
    space = _space(request)
    try:
        space.run_row(run if run.isascii() and len(run) < 19 else f"{run[:18]}...")
    except InputError as error:
        raise Refusal(404, error.what, expected=error.expected, todo=error.todo) from error
    return space
