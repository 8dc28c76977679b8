"""The data folder: what lies there, what it holds, and away with it."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.api.bodies import PROBLEMS
from aimass.console.files import folder
from aimass.console.looks.ask import rows_in
from aimass.console.place import place_of

router = APIRouter(prefix="/api/v1/files", tags=["files"], responses=PROBLEMS)


class File(BaseModel):
    """A file of the data folder; `use` is the collector that reads it, "" for none.

    `sha256`, `who` and `taken` are told of files that came through the console and are as they came.
    """

    name: str
    size: int
    modified: str
    use: str
    sha256: str | None
    who: str | None
    taken: str | None


class Files(BaseModel):
    """By name; `free` is the room on the disk in bytes."""

    rows: list[File]
    free: int


class Seen(BaseModel):
    """A column as its first rows show it: the `type` that `clean` finds, the `kind` that `prepare` makes of it.

    `task` is what predicting it would be, judged by `metric` where nobody says otherwise; "" when it cannot be, and
    `why_not`.  `missing` and `distinct` count rows.
    """

    name: str
    type: str
    kind: str
    missing: int
    distinct: int | None
    examples: list[str | None]
    task: Literal["", "binary", "multiclass", "regression"]
    metric: str
    why_not: str


class Look(BaseModel):
    """What a file seems to hold: `seen` rows were looked at, all of them if `whole`; the first are told as they are."""

    name: str
    size: int
    sha256: str | None
    seen: int
    whole: bool
    malformed: int
    columns_in_all: int
    columns: list[Seen]
    rows: list[list[str | None]]


@router.get("", response_model=Files)
def files(request: Request, caller: Caller = needs("files.see")) -> Any:
    """What lies in the data folder."""
    space = place_of(request).workspace
    return {"rows": [asdict(file) for file in folder.listed(space)], "free": shutil.disk_usage(space.folder).free}


@router.get("/{name}/look", response_model=Look)
def looked(request: Request, name: str, caller: Caller = needs("files.see")) -> Any:
    """Columns and first rows of a file."""
    space = place_of(request).workspace
    file, path = folder.found(space, name)
    return {
        **rows_in(space, path, file.name),
        "name": file.name,
        "size": file.size,
        "sha256": folder.digest(file, path),
    }


@router.delete("/{name}", response_model=File)
def remove(request: Request, name: str, caller: Caller = needs("files.change")) -> Any:
    """Remove a file; datasets that were collected from it stay."""
    return asdict(folder.remove(place_of(request).workspace, name, caller))
