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
from aimass.console.access.whose import LISTED
from aimass.console.api.bodies import PROBLEMS, Body, Id
from aimass.console.api.jobs import check_may, noted
from aimass.console.api.runs import asked_to_stop
from aimass.console.jobs.work import task_of
from aimass.console.place import place_of
from aimass.core.errors import AimassError, InputError
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row
from aimass.store.jobs import FINISHED, OVER, TASK, Jobs

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
def stop(request: Request, body: Many, caller: Caller = needs("runs.stop", of=LISTED)) -> Any:
    """Ask runs to stop at their next report; their checkpoints stay."""
    catalog = place_of(request).catalog
    return {"rows": [_stopped(catalog, id, caller) for id in dict.fromkeys(body.runs)]}


@router.post("/resume", response_model=Outcomes, status_code=202)
def resume(request: Request, body: Many, caller: Caller = needs("jobs.ask", of=LISTED)) -> Any:
    """Let runs that failed or were stopped go on from their checkpoints, as jobs."""
    space = place_of(request).workspace
    return {"rows": [_resumed(space, id, caller) for id in dict.fromkeys(body.runs)]}


def _stopped(catalog: Catalog, id: int, caller: Caller) -> Row:
    row = _row(catalog, id)
    if row and asked_to_stop(catalog, id, caller):
        return {"run": id, "state": "stopping"}
    row = row and _row(catalog, id)  # it may have ended meanwhile
    state = row["state"] if row else "missing"
    return {"run": id, "state": state, "error": f"run {id} is {state}" if row else f"there is no run {id}"}


def _resumed(space: Workspace, id: int, caller: Caller) -> Row:
    row = _row(space.catalog, id)
    if row is None or row["state"] not in ENDED:
        state = row["state"] if row else "missing"
        return {"run": id, "state": state, "error": f"run {id} is {state}: only what failed or was stopped goes on"}
    try:
        return {"run": id, "state": row["state"], "job": _asked(space, row, caller)}
    except AimassError as error:  # one that may not go on keeps no other from it
        return {"run": id, "state": row["state"], "error": error.what}


def _asked(space: Workspace, row: Row, caller: Caller) -> str:
    """The number of the job that carries on the run in ROW: one that does already, the one that began it, or a new one.

    Whoever asks for the same task meanwhile waits, and is told the same number.
    """
    catalog = space.catalog
    with catalog.writing() as link:
        link.execute(sa.update(t.run).where(t.run.c.task == row["task"]).values(task=row["task"]))  # takes the lock
        jobs, mine = Jobs(catalog), _job(link, row)
        if mine is not None:
            job = jobs.row(mine)
            if job["state"] not in OVER:
                return mine
            check_may(space, job["kind"], job["work"], caller)
            return str(jobs.resume(mine, noted(caller, "jobs.resume"), link)["id"])
        work, told = json.loads(row["task_json"]), row["label"] or row["step"]
        task_of(work)
        check_may(space, "task", work, caller)
        note = noted(caller, "jobs.ask")
        return str(jobs.ask("task", work, label=told, who=caller.name, note=note, run=row["id"], link=link)["id"])


def _job(link: sa.Connection, row: Row) -> str | None:
    """The job that carries on the run in ROW, or did until it ended, with all that was asked of it (`save_as`).

    It may have begun the same task again by now, as a later run; a project that ended goes on by its newest run alone.
    """
    same = t.job.c.run.in_(sa.select(t.run.c.id).where(t.run.c.task == row["task"]))
    going, itself = t.job.c.state.not_in(OVER), t.job.c.run == row["id"]
    query = sa.select(t.job.c.id).where(itself | (same & (going | (t.job.c.kind == TASK))), t.job.c.state != FINISHED)
    found = link.execute(query.order_by(going.desc(), itself.desc(), t.job.c.id.desc())).first()
    return None if found is None else str(found[0])


def _row(catalog: Catalog, id: int) -> Row | None:
    try:
        return {**catalog.run_row(str(id)), "id": id}
    except InputError:
        return None
