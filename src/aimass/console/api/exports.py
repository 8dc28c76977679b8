"""Datasets as files: asked for, written in the background, and had, with their checksum."""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.taken import note_taken
from aimass.console.access.who import needs
from aimass.console.access.whose import ARTIFACT
from aimass.console.api.bodies import PROBLEMS, Body
from aimass.console.api.datasets import Digest
from aimass.console.datasets import dataset_of, facts_of
from aimass.console.exports import file_of
from aimass.console.place import place_of

router = APIRouter(prefix="/api/v1/datasets/{digest}/exports", tags=["datasets"], responses=PROBLEMS)
Format = Literal["csv", "parquet"]
KINDS = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


class Export(BaseModel):
    """A file of a dataset: none, making (ROWS of TOTAL are written), ready (with its SIZE and SHA256) or failed."""

    format: Format
    state: Literal["none", "making", "ready", "failed"]
    rows: int
    total: int | None
    size: int | None
    sha256: str | None
    made: str | None
    error: dict[str, str] | None


class Exports(BaseModel):
    rows: list[Export]


class Asked(Body):
    format: Format


@router.get("", response_model=Exports)
def listed(request: Request, digest: Digest, caller: Caller = needs("data.see", of=ARTIFACT)) -> Any:
    """How each format stands."""
    place = place_of(request)
    return {"rows": place.exports.known(place.workspace, dataset_of(place.workspace, digest))}


@router.post("", response_model=Export, status_code=202)
def ask(request: Request, digest: Digest, body: Asked, caller: Caller = needs("data.export", of=ARTIFACT)) -> Any:
    """Let the dataset be written as a file; it is kept for a day."""
    place = place_of(request)
    asked = place.exports.ask(place.workspace, dataset_of(place.workspace, digest), body.format)
    with place.catalog.writing() as link:
        audit.note(link, caller, "datasets.export", digest, after={"format": body.format})
    return asked


@router.get("/{format}", response_class=FileResponse)
def fetched(
    request: Request,
    digest: Digest,
    format: Annotated[Format, Path()],
    caller: Caller = needs("data.export", of=ARTIFACT),
) -> Any:
    """The file, whole or (by `range`) in parts; `repr-digest` has its SHA-256."""
    place = place_of(request)
    dataset = dataset_of(place.workspace, digest)
    path, facts = file_of(place.workspace, dataset, format)
    note_taken(request, caller, "datasets.download", digest, {"format": format, "sha256": facts["sha256"]})
    told = base64.b64encode(bytes.fromhex(facts["sha256"])).decode()
    headers = {"repr-digest": f"sha-256=:{told}:", "etag": f'"{facts["sha256"]}"'}
    headers["content-encoding"] = "identity"  # not packed on the way: its length is known, and it can be had in parts
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", str(facts_of(dataset).get("name", "dataset"))).strip("-.") or "dataset"
    return FileResponse(path, headers=headers, media_type=KINDS[format], filename=f"{name}-{digest[:10]}.{format}")
