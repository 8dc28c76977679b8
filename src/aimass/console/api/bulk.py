"""Many runs at once: asked to stop, or begun again from where they were.  Each is told by itself how it went."""

from __future__ import annotations

import json
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.api.bodies import PROBLEMS, Body, Id
from aimass.console.api.jobs import check_inside, noted
from aimass.console.api.runs import asked_to_stop
from aimass.console.jobs.work import task_of
from aimass.console.place import place_of
from aimass.core.errors import AimassError, InputError
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row
from aimass.store.jobs import CANCELLED, FAILED, Jobs

router = APIRouter(prefix="/api/v1/runs", tags=["runs"], responses=PROBLEMS)
ENDED = ("failed", "stopped")  # what can go on
MOST = 500


class Many(Body):
    """Numbers of runs."""

    runs: Annotated[list[Id], Field(min_length=1, max_length=MOST)]


class Outcome(BaseModel):
    """Of one run: what it is now, and the job that carries it on; ERROR says why nothing was done."""

    run: int
    state: str
    job: str | None = None
    error: str | None = None


class Outcomes(BaseModel):
    rows: list[Outcome]


@router.post("/stop", response_model=Outcomes, status_code=202)
def stop(request: Request, body: Many, caller: Caller = needs("runs.stop")) -> Any:
    """Ask runs to stop at their next report; their checkpoints stay."""
    catalog = place_of(request).catalog
    return {"rows": [_stopped(catalog, id, caller) for id in dict.fromkeys(body.runs)]}


@router.post("/resume", response_model=Outcomes, status_code=202)
def resume(request: Request, body: Many, caller: Caller = needs("jobs.ask")) -> Any:
    """Let runs that failed or were stopped go on from their checkpoints, as jobs."""
    catalog = place_of(request).catalog
    return {"rows": [_resumed(catalog, id, caller) for id in dict.fromkeys(body.runs)]}


def _stopped(catalog: Catalog, id: int, caller: Caller) -> Row:
    if asked_to_stop(catalog, id, caller):
        return {"run": id, "state": "stopping"}
    row = _row(catalog, id)
    state = row["state"] if row else "missing"
    return {"run": id, "state": state, "error": f"run {id} is {state}" if row else f"there is no run {id}"}


def _resumed(catalog: Catalog, id: int, caller: Caller) -> Row:
    row = _row(catalog, id)
    if row is None or row["state"] not in ENDED:
        state = row["state"] if row else "missing"
        return {"run": id, "state": state, "error": f"run {id} is {state}: only what failed or was stopped goes on"}
    try:
        return {"run": id, "state": row["state"], "job": _asked(catalog, row, caller)}
    except AimassError as error:  # one that may not go on keeps no other from it
        return {"run": id, "state": row["state"], "error": error.what}


def _asked(catalog: Catalog, row: Row, caller: Caller) -> str:
    """The number of the job that carries on the run in ROW: the one that began it, else a new one."""
    jobs = Jobs(catalog)
    over = (t.job.c.run == row["id"], t.job.c.state.in_((CANCELLED, FAILED)))
    mine = catalog.rows(sa.select(t.job.c.id).where(*over).order_by(t.job.c.id.desc()).limit(1))
    if mine:
        job = jobs.row(str(mine[0]["id"]))
        check_inside(job["kind"], job["work"], caller)
        return str(jobs.resume(job["id"], noted(caller, "jobs.resume"))["id"])
    work = json.loads(row["task_json"])
    task_of(work)
    check_inside("task", work, caller)
    return str(
        jobs.ask("task", work, label=row["label"] or row["step"], who=caller.name, note=noted(caller, "jobs.ask"))["id"]
    )


def _row(catalog: Catalog, id: int) -> Row | None:
    try:
        return {**catalog.run_row(str(id)), "id": id}
    except InputError:
        return None
