"""Runs: listed, looked at, stopped."""

from __future__ import annotations

import json
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED, RUN
from aimass.console.api.bodies import PROBLEMS, Id
from aimass.console.place import place_of
from aimass.console.refusals import missing, taken
from aimass.core.task import each
from aimass.store import buckets, lineage, listed
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

router = APIRouter(prefix="/api/v1/runs", tags=["runs"], responses=PROBLEMS)


class Run(BaseModel):
    """A task that was begun: running, stopping, finished, reused, unchanged, failed or stopped.

    `seconds` is how long it took, or has taken so far; `memory_gb` the most memory its processes had, where somebody
    looked; `output` the digest of what it made.
    """

    id: int
    label: str
    step: str
    state: str
    started: str
    ended: str | None
    seconds: float
    metrics: dict[str, float]
    memory_gb: float | None
    output: str | None
    error: dict[str, Any] | None
    host: str


class Runs(BaseModel):
    """NEXT is `after` of the page behind this one, null on the last; TOTAL counts all that fit."""

    rows: list[Run]
    next: str | None
    total: int


class Work(BaseModel):
    """What a run was asked to do."""

    step: str
    settings: dict[str, Any]
    inputs: dict[str, Any]
    seed: int


class Near(BaseModel):
    """What a run was made from, or what was made from it, and the newest run that made that."""

    digest: str
    kind: str
    run: int | None
    step: str
    label: str


class Detail(Run):
    """A run with its task, the names of its figures, what it was made from and what was made from it.

    Figures whose names begin with machine/ tell what its machine did; `metrics` has none of them.
    """

    task: Work
    names: list[str]
    parents: list[Near]
    children: list[Near]


@router.get("", response_model=Runs)
def runs(
    request: Request,
    sort: Annotated[
        str, Query(max_length=40, description="started, ended, label, step, state, id; -started")
    ] = "-started",
    state: Annotated[str, Query(max_length=200, description="one or more, with commas between")] = "",
    step: Annotated[str, Query(max_length=500, description="one or more, with commas between")] = "",
    text: Annotated[str, Query(max_length=200, description="in the label or step, or a number")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(max_length=1000)] = None,
    caller: Caller = needs("runs.see", of=LISTED),
) -> Any:
    """Runs, page by page."""
    rows, more, total = listed.page(place_of(request).catalog, sort=sort, states=_split(state), steps=_split(step),
                                    text=text, limit=limit, after=after)  # fmt: skip
    return {"rows": rows, "next": more, "total": total}


@router.get("/{id}", response_model=Detail)
def run(request: Request, id: Id, caller: Caller = needs("runs.see", of=RUN)) -> Any:
    """A run with all that belongs to it."""
    catalog = place_of(request).catalog
    row = run_of(catalog, id)
    task = json.loads(catalog.run_row(str(id))["task_json"])  # not a Task: a newer version may have written it
    parents, children = list[str](), _made_from(catalog, row["output"]) if row["output"] else []
    each(task["inputs"], parents.append)
    near = lineage.known(catalog, [*parents, *children])
    return {**row, "task": task, "names": list(buckets.names_of(catalog, id)),
            "parents": [near[d] for d in dict.fromkeys(parents) if d in near],
            "children": [near[d] for d in children if d in near]}  # fmt: skip


@router.post("/{id}/stop", response_model=Run, status_code=202)
def stop(request: Request, id: Id, caller: Caller = needs("runs.stop", of=RUN)) -> Any:
    """Ask a run to stop at its next report; its checkpoint stays."""
    catalog = place_of(request).catalog
    before = run_of(catalog, id)
    if not asked_to_stop(catalog, id, caller):
        raise taken(f"run {id} is {before['state']}", expected="a run that is running")
    return run_of(catalog, id)


def asked_to_stop(catalog: Catalog, id: int, caller: Caller) -> bool:
    """Whether the run ID was running, and is asked to stop now."""
    with catalog.writing() as link:
        change = sa.update(t.run).where(t.run.c.id == id, t.run.c.state == "running").values(state="stopping")
        asked = bool(link.execute(change).rowcount)
        if asked:
            audit.note(link, caller, "runs.stop", str(id), before={"state": "running"}, after={"state": "stopping"})
    return asked


def run_of(catalog: Catalog, id: int) -> Row:
    """The run ID as the API shows it.  Raises Refusal (404)."""
    rows = listed.some(catalog, t.run.c.id == id)
    if not rows:
        raise missing(f"there is no run {id}")
    return rows[0]


def _split(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _made_from(catalog: Catalog, digest: str) -> list[str]:
    query = sa.select(t.parent.c.child).where(t.parent.c.parent == digest).order_by(t.parent.c.child).limit(100)
    return [row["child"] for row in catalog.rows(query)]
