"""Projects that leave this workspace as one file, or come into it out of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import FileResponse

from aimass.console import archives
from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.taken import note_taken
from aimass.console.access.who import needs
from aimass.console.api.bodies import PROBLEMS, Body, Name
from aimass.console.api.jobs import Job, check_writable, shown
from aimass.console.files.folder import checksum
from aimass.console.jobs import progress
from aimass.console.jobs.attempt import folder_of
from aimass.console.looks.ask import archive_in
from aimass.console.place import place_of
from aimass.console.refusals import missing
from aimass.core.errors import InputError, unknown
from aimass.project.archive.belongs import projects
from aimass.runner.workspace import Workspace
from aimass.store.base import writing
from aimass.store.catalog import Row
from aimass.store.jobs import EXPORT, IMPORT, RUNNING, Jobs

router = APIRouter(prefix="/api/v1/archive", tags=["archive"], responses=PROBLEMS)
RECENT = 20  # jobs
File = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class Archive(BaseModel):
    """A file; `brought` into the data folder, or written here."""

    file: str
    brought: bool
    bytes: int
    made: str


class Project(BaseModel):
    """A project by its name; `moved` is when one of its names moved last."""

    name: str
    names: int
    versions: int
    moved: str


class Progress(BaseModel):
    """How many "bytes" of an archive are written or read, or how many of its "releases" are measured, OF how many."""

    what: Literal["bytes", "releases"]
    done: int
    of: int


class Carrying(Job):
    """A job that brings a project out or in; `progress` while it does."""

    progress: Progress | None


class Listed(BaseModel):
    """What there is to bring in and out, and the newest jobs that do."""

    projects: list[Project]
    files: list[Archive]
    jobs: list[Carrying]


class Move(BaseModel):
    """A name, and what it leads to before and after."""

    name: str
    before: str | None
    after: str


class New(BaseModel):
    """What an import would change here; `against` is why it cannot be."""

    artifacts: int
    runs: int
    versions: list[str]
    names: list[Move]
    tables: list[str]
    against: list[str]


class Looked(BaseModel):
    """What an archive holds, and what of it is new here; the SHA-256 of the file, but of a large one."""

    project: str
    created: str
    package: str
    machine: str
    here: bool
    bytes: int
    sha256: str | None
    artifacts: dict[str, int]
    runs: int
    versions: list[str]
    tables: list[str]
    project_file: bool
    new: New


class Leaving(Body):
    """Whose archive is to be written, and the project file that goes along (default: the last one that is known)."""

    project: Name
    text: Annotated[str | None, Field(min_length=1, max_length=200_000)] = None


class Coming(Body):
    """The archive that is to come in, and which of its releases are measured on this machine then."""

    file: File
    measure: Literal["served", "all", "none"] = "served"


@router.get("", response_model=Listed)
def listed(request: Request, caller: Caller = needs("archive.use")) -> Any:
    """Projects of the workspace, archives, and the jobs that write them and bring them in."""
    place = place_of(request)
    jobs = Jobs(place.catalog).rows(RECENT, kinds=(EXPORT, IMPORT))
    return {"projects": projects(place.workspace), "files": archives.listed(place.workspace),
            "jobs": [{**shown(row), "progress": _progress(place.workspace, row)} for row in jobs]}  # fmt: skip


def _progress(workspace: Workspace, row: Row) -> Row | None:
    return progress.told(folder_of(workspace, row["id"])) if row["state"] == RUNNING else None


@router.get("/look", response_model=Looked)
def looked(request: Request, file: Annotated[File, Query()], caller: Caller = needs("archive.use")) -> Any:
    """Look into an archive.  Changes nothing; the checksums of its artifacts are asked for when it comes in."""
    workspace = place_of(request).workspace
    path = _file(workspace, file)
    return {**archive_in(workspace, path), "sha256": checksum(path)}


@router.post("/export", response_model=Job, status_code=202)
def leave(request: Request, body: Leaving, caller: Caller = needs("archive.use")) -> Any:
    """Have a project written into a file, as a job."""
    place = place_of(request)
    known = [row["name"] for row in projects(place.workspace)]
    if body.project not in known:
        raise unknown("project", body.project, known, key="project")
    work = {**body.model_dump(exclude_none=True), "file": archives.fresh(body.project)}
    check_writable(work)
    return _asked(request, caller, EXPORT, body.project, work)


@router.post("/import", response_model=Job, status_code=202)
def come(request: Request, body: Coming, caller: Caller = needs("archive.use")) -> Any:
    """Have the project in an archive brought in and its budgets measured, as a job.  Refused is what `look` refuses."""
    workspace = place_of(request).workspace
    seen = archive_in(workspace, _file(workspace, body.file))
    against = seen["new"]["against"]
    if against:
        raise InputError(f"{seen['project']} cannot come into this workspace: {against[0]}", key="file",
                         expected="a workspace without it, or with the same as far as both reach")  # fmt: skip
    return _asked(request, caller, IMPORT, seen["project"], body.model_dump())


@router.get("/files/{file}", response_class=FileResponse)
def taken(request: Request, file: str, caller: Caller = needs("archive.use")) -> FileResponse:
    """The bytes of an archive, whole or (by `range`) in parts."""
    found = _file(place_of(request).workspace, file)
    note_taken(request, caller, "archive.download", file, {"bytes": found.stat().st_size})
    headers = {"content-encoding": "identity"}  # not packed on the way: its length is known, and it can be had in parts
    return FileResponse(found, headers=headers, media_type="application/zip", filename=found.name)


@router.delete("/files/{file}", status_code=204)
def removed(request: Request, file: str, caller: Caller = needs("archive.use")) -> None:
    """Remove an archive; what came out of it stays."""
    place = place_of(request)
    found = _file(place.workspace, file)
    before = {"bytes": found.stat().st_size}
    with audit.acting(place.catalog, caller, "archive.remove", file, before=before), writing(file):
        found.unlink(missing_ok=True)


def _file(workspace: Workspace, name: str) -> Path:
    try:
        return archives.found(workspace, name)
    except InputError as error:
        raise missing(error.what) from error


def _asked(request: Request, caller: Caller, kind: str, label: str, work: Mapping[str, Any]) -> Row:
    told = {name: value for name, value in work.items() if name != "text"}

    def note(link: sa.Connection, row: Row) -> None:
        audit.note(link, caller, f"archive.{kind}", label, after={"job": row["id"], **told})

    return shown(Jobs(place_of(request).catalog).ask(kind, work, label=label, who=caller.name, note=note))
