"""Jobs: work that is asked for here and carried out by a worker of `aimass up`."""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from collections.abc import Callable
from datetime import datetime
from os import SEEK_END
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.who import forbidden, needs
from aimass.console.access.whose import JOB, LISTED
from aimass.console.api.bodies import PROBLEMS, Body
from aimass.console.jobs.attempt import log_of
from aimass.console.jobs.beyond import beyond, reads
from aimass.console.jobs.outside import reaches_outside
from aimass.console.jobs.work import label_of
from aimass.console.place import place_of
from aimass.console.refusals import missing, taken
from aimass.core.errors import InputError
from aimass.runner.workspace import Workspace
from aimass.store.catalog import Catalog, Row, now
from aimass.store.jobs import EXPORT, IMPORT, PROJECT, Jobs, Note

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], responses=PROBLEMS)
OUTSIDE, ARCHIVE = "jobs.outside", "archive.use"
State = Literal["", "queued", "running", "cancelling", "cancelled", "finished", "failed"]


class Job(BaseModel):
    """Who asked for what, and what came of it; `run` is the newest run that it began."""

    id: str
    kind: Literal["project", "task", "export", "import"]
    label: str
    state: str
    who: str
    asked: str
    started: str | None
    ended: str | None
    seconds: float | None
    run: str | None
    tries: int
    outcome: dict[str, Any] | None
    error: dict[str, Any] | None


class WholeJob(Job):
    """A job with what it does."""

    work: dict[str, Any]


class Listed(BaseModel):
    """A page of jobs; `next` is where the following one begins (`before`)."""

    rows: list[Job]
    next: str | None
    counts: dict[str, int]


class Log(BaseModel):
    """What the process of a job said, from one byte of its log on; `next` is where to go on."""

    text: str
    next: int


class Project(BaseModel):
    """A project file; `sets` override keys of it, as TABLE.KEY=VALUE, and `until` is the last stage."""

    text: Annotated[str, Field(min_length=1, max_length=200_000)]
    sets: Annotated[list[Annotated[str, Field(max_length=10_000)]], Field(max_length=100)] = []
    until: Literal["collect", "clean", "prepare", "search", "publish"] = "publish"

    def work(self) -> dict[str, Any]:
        """Without what says nothing."""
        return {"text": self.text, **self.model_dump(exclude_defaults=True)}


class Task(BaseModel):
    """A task, as `GET /runs/ID` and `aimass logs RUN --json` show it."""

    step: Annotated[str, Field(min_length=1, max_length=128)]
    revision: int | str
    settings: dict[str, Any] = {}
    inputs: dict[str, Any] = {}
    seed: int = 0
    label: Annotated[str, Field(max_length=256)] = ""
    save_as: Annotated[str, Field(max_length=256, description="a name for what comes of it")] = ""


class Wanted(Body):
    """Either a project or a task."""

    project: Project | None = None
    task: Task | None = None


@router.get("", response_model=Listed)
def listed(
    request: Request, caller: Caller = needs("jobs.see", of=LISTED), state: State = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100, before: Annotated[str, Query(pattern=r"^[0-9]{0,18}$")] = "",
) -> Any:  # fmt: skip
    """Jobs, the newest first."""
    jobs = _jobs(request)
    rows = jobs.rows(limit + 1, before=before, state=state)
    more = rows[limit - 1]["id"] if len(rows) > limit else None
    return {"rows": [shown(row) for row in rows[:limit]], "next": more, "counts": jobs.counts()}


@router.post("", response_model=WholeJob, status_code=201)
def ask(request: Request, body: Wanted, caller: Caller = needs("jobs.ask", of=LISTED)) -> Any:
    """Put a project or a task at the end of the queue."""
    project, task = body.project and body.project.work(), body.task and body.task.model_dump()
    given = {name: one for name, one in (("project", project), ("task", task)) if one}
    if len(given) != 1:
        raise InputError("neither a project nor a task" if not given else "a project and a task",
                         expected='{"project": {"text": ...}} or {"task": {"step": ...}}')  # fmt: skip
    kind, work = next(iter(given.items()))
    check_writable(work)
    usual = label_of(kind, work)
    label = work.get("label") or usual
    check_may(place_of(request).workspace, kind, work, caller)
    sources = reads(work) if kind == PROJECT else ()
    row = _jobs(request).ask(kind, work, label=label, who=caller.name, note=noted(caller, "jobs.ask"), sources=sources)
    return shown(row)


@router.get("/{job}", response_model=WholeJob)
def one(request: Request, job: str, caller: Caller = needs("jobs.see", of=JOB)) -> Any:
    """A job, and what it does."""
    return shown(_found(request, job))


@router.get("/{job}/log", response_model=Log)
def log(
    request: Request, job: str, caller: Caller = needs("jobs.see", of=JOB),
    at: Annotated[int, Query(ge=0, lt=1 << 53)] = 0, most: Annotated[int, Query(ge=4, le=1 << 20)] = 1 << 16,
) -> Any:  # fmt: skip
    """What the process of a job said on the machine of this console, from byte AT on; a log begun anew, from 0."""
    file = log_of(place_of(request).workspace, _found(request, job)["id"])
    try:
        with file.open("rb") as lines:
            at = at if at <= lines.seek(0, SEEK_END) else 0
            lines.seek(at)
            said = lines.read(most)
    except FileNotFoundError:  # it has not begun, or ran elsewhere
        said = b""
    letters = getincrementaldecoder("utf-8")("replace")
    text = letters.decode(said)
    return {"text": text, "next": at + len(said) - len(letters.getstate()[0])}  # half a letter comes with its rest


@router.post("/{job}/cancel", response_model=WholeJob, status_code=202)
def cancel(request: Request, job: str, caller: Caller = needs("jobs.ask", of=JOB)) -> Any:
    """End a job: its run stops at the next report, and keeps its checkpoint."""
    _found(request, job)
    return _done(lambda: _jobs(request).cancel(job, noted(caller, "jobs.cancel")))


@router.post("/{job}/resume", response_model=WholeJob, status_code=202)
def resume(request: Request, job: str, caller: Caller = needs("jobs.ask", of=JOB)) -> Any:
    """Queue a job again that was cancelled or has failed: it goes on from where it was."""
    row = _found(request, job)
    check_may(place_of(request).workspace, row["kind"], row["work"], caller)
    return _done(lambda: _jobs(request).resume(job, noted(caller, "jobs.resume")))


def _jobs(request: Request) -> Jobs:
    return Jobs(place_of(request).catalog)


def _found(request: Request, job: str) -> Row:
    return job_of(place_of(request).catalog, job)


def job_of(catalog: Catalog, job: str) -> Row:
    """The row of JOB.  Raises Refusal (404)."""
    try:
        return Jobs(catalog).row(job)
    except InputError as error:
        raise missing(error.what) from error


def _done(act: Callable[[], Row]) -> Row:
    """What ACT gives; what the state of a job forbids is a contradiction, not a mistake in the request."""
    try:
        return shown(act())
    except InputError as error:
        raise taken(error.what, expected=error.expected, todo=error.todo, key=error.key) from error


def check_writable(work: Any) -> None:
    """Raises InputError for what no database and no JSON holds."""
    try:
        text = json.dumps(work, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:  # half a letter, or no number
        raise InputError(f"it cannot be written down: {error}", expected="text and numbers of JSON") from error
    if b"\\u0000" in text:
        raise InputError("it holds a character 0", expected="text without it")


def check_may(space: Workspace, kind: str, work: Any, caller: Caller) -> None:
    """Raises Refusal (403) where WORK leaves the workspace, or what SPACE shows of it, and CALLER may not."""
    check_inside(kind, work, caller)
    reach = space.catalog.reach
    if reach is not None and (why := beyond(space, reach, kind, work)):
        raise forbidden(caller, "jobs.ask", "everything", f"{caller.name} may not start this: {why}",
                        todo="stay with the sources that you have a grant over, or ask an admin")  # fmt: skip


def check_inside(kind: str, work: Any, caller: Caller) -> None:
    if kind in (EXPORT, IMPORT):
        if ARCHIVE not in caller.permissions:
            raise forbidden(caller, ARCHIVE)
        return
    why = "" if OUTSIDE in caller.permissions else reaches_outside(kind, work)
    if why:
        todo = "read files of the workspace's data folder, by relative paths, or ask an admin"
        raise forbidden(caller, OUTSIDE, what=f"{caller.name} may not start this: {why}", todo=todo)


def noted(caller: Caller, what: str) -> Note:
    def note(link: sa.Connection, row: Row) -> None:
        audit.note(link, caller, what, row["id"], after={"label": row["label"], "state": row["state"]})

    return note


def shown(row: Row) -> Row:
    """A job as the API tells it."""
    began = row["started"]
    spent = _seconds(row["ended"] or now()) - _seconds(began) if began else None
    return {**row, "seconds": None if spent is None else round(spent, 3)}


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
