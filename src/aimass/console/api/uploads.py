"""Files on their way into the data folder: begun, sent in pieces, looked at, taken or dropped."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Body as Content
from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.api.bodies import PROBLEMS, Body
from aimass.console.api.files import File, Look
from aimass.console.files import folder, uploads
from aimass.console.files.uploads import PIECE, Uploads
from aimass.console.looks.ask import rows_in
from aimass.console.place import place_of
from aimass.console.refusals import missing
from aimass.core.errors import StoreError

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"], responses=PROBLEMS)
OCTETS = "application/octet-stream"
Digest = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Upload(BaseModel):
    """A file on its way: `received` of `size` bytes are here; the next piece begins there.

    `modified` is what its owner says of its age (milliseconds since 1970): by name, size and age a file is known again.
    """

    id: str
    name: str
    size: int
    modified: int
    who: str
    begun: str
    received: int
    touched: float


class Open(BaseModel):
    """Uploads that are open, and the limits in bytes: of a piece, of a file, and the room on the disk."""

    rows: list[Upload]
    piece: int
    largest: int
    free: int


class NewUpload(Body):
    """What is to come."""

    name: FileName
    size: Annotated[int, Field(ge=1, lt=1 << 53)]
    modified: Annotated[int, Field(ge=0, lt=1 << 53)] = 0


class Taking(Body):
    """As what to take it (as it is called, if nothing is said), what was sent, and whether to replace what is there."""

    name: Annotated[str, StringConstraints(max_length=255)] = ""
    sha256: Digest = ""
    replace: bool = False


@router.get("", response_model=Open)
def listed(request: Request, caller: Caller = needs("files.change")) -> Any:
    """The uploads of the caller that are open; of everybody for an admin."""
    rows = [asdict(one) for one in _uploads(request).all() if _may(one, caller)]
    free = shutil.disk_usage(place_of(request).workspace.folder).free
    return {"rows": rows, "piece": PIECE, "largest": _uploads(request).largest, "free": free}


@router.post("", response_model=Upload, status_code=201)
def begin(request: Request, body: NewUpload, caller: Caller = needs("files.change")) -> Any:
    """Announce a file."""
    here = _uploads(request)
    upload = here.begin(body.name, body.size, body.modified, caller.name)
    try:
        with place_of(request).catalog.writing() as link:
            audit.note(link, caller, "uploads.begin", upload.id, after={"name": upload.name, "size": upload.size})
    except StoreError:
        here.drop(upload)
        raise
    return asdict(upload)


@router.get("/{id}", response_model=Upload)
def one(request: Request, id: str, caller: Caller = needs("files.change")) -> Any:
    """How far it has come."""
    return asdict(_mine(request, id, caller))


@router.put("/{id}", response_model=Upload)
def add(
    request: Request, id: str, at: Annotated[int, Query(ge=0, lt=1 << 53)],
    piece: Annotated[bytes, Content(media_type=OCTETS, min_length=1, max_length=PIECE)],
    caller: Caller = needs("files.change"),
) -> Any:  # fmt: skip
    """The piece that begins at byte AT, which is where the one before ended."""
    return asdict(_uploads(request).add(_mine(request, id, caller).id, at, piece))


@router.get("/{id}/look", response_model=Look)
def looked(request: Request, id: str, caller: Caller = needs("files.change")) -> Any:
    """Columns and first rows of what has come, before it is taken."""
    here, upload = _uploads(request), _mine(request, id, caller)
    sha256 = here.digest(upload)
    told = rows_in(place_of(request).workspace, here.path(upload), upload.name)
    return {**told, "name": upload.name, "size": upload.size, "sha256": sha256}


@router.post("/{id}/take", response_model=File, status_code=201)
def take(request: Request, id: str, body: Taking, caller: Caller = needs("files.change")) -> Any:
    """Put it into the data folder."""
    here, upload = _uploads(request), _mine(request, id, caller)
    space = place_of(request).workspace
    return asdict(folder.take(space, here, upload, caller, name=body.name, sha256=body.sha256, over=body.replace))


@router.delete("/{id}", response_model=Upload)
def drop(request: Request, id: str, caller: Caller = needs("files.change")) -> Any:
    """Forget what has come."""
    upload = _mine(request, id, caller)
    with place_of(request).catalog.writing() as link:
        audit.note(link, caller, "uploads.drop", upload.id, before={"name": upload.name, "received": upload.received})
    _uploads(request).drop(upload)
    return asdict(upload)


def _uploads(request: Request) -> Uploads:
    return place_of(request).uploads


def _mine(request: Request, id: str, caller: Caller) -> uploads.Upload:
    """The upload ID of the caller; others' are not there, except for an admin."""
    upload = _uploads(request).one(id)
    if not _may(upload, caller):
        raise missing("there is no such upload of yours")
    return upload


def _may(upload: uploads.Upload, caller: Caller) -> bool:
    return upload.who == caller.name or "users.change" in caller.permissions
