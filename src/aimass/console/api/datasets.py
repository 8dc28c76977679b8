"""Datasets: versions with size, rows and quality; one with its columns and its contract."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import ARTIFACT, LISTED
from aimass.console.api.bodies import PROBLEMS
from aimass.console.datasets import dataset_of, facts_of, quality, size_of
from aimass.console.place import place_of
from aimass.store import datasets
from aimass.store.catalog import Row

router = APIRouter(prefix="/api/v1/datasets", tags=["datasets"], responses=PROBLEMS)
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
SHOWN = 100  # versions of a dataset


class Quality(BaseModel):
    """good, warning or bad, by the share of rows that could not be used; nothing where nobody counted."""

    state: str
    bad: int | None
    share: float | None


class Version(BaseModel):
    """A dataset.  NAMES point to it; VERSION is that of its table in the lake; SIZE is in bytes; USED counts what was
    made from it; RUN made it."""

    digest: str
    name: str
    names: list[str]
    step: str
    version: int | None
    created: str
    rows: int | None
    size: int | None
    quality: Quality
    used: int
    run: int | None


class Versions(BaseModel):
    """NEXT is `after` of the page behind this one, null on the last; TOTAL counts all that fit."""

    rows: list[Version]
    next: str | None
    total: int


class Field(BaseModel):
    """A column; SHAPE is height, width and channels of images."""

    name: str
    type: str
    shape: list[int] | None = None


class Source(BaseModel):
    """What became of the rows of a source: of those READ, so many were ACCEPTED, and others put aside for a reason."""

    name: str
    read: int
    accepted: int
    reasons: dict[str, int]


class Detail(Version):
    """A dataset with its columns, the contract of each source by column, and its other versions."""

    columns: list[Field]
    contract: dict[str, dict[str, dict[str, Any]]]
    sources: list[Source]
    versions: list[Version]
    previous: str | None


@router.get("", response_model=Versions)
def listed(
    request: Request,
    text: Annotated[str, Query(max_length=200, description="in the name or settings; or begins the digest")] = "",
    step: Annotated[str, Query(max_length=128, description="that made it: collect, clean")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str | None, Query(max_length=200)] = None,
    caller: Caller = needs("data.see", of=LISTED),
) -> Any:
    """Datasets, newest first, page by page."""
    catalog = place_of(request).catalog
    rows, more, total = datasets.page(catalog, text=text, step=step, limit=limit, after=after)
    return {"rows": [_told(row) for row in rows], "next": more, "total": total}


@router.get("/{digest}", response_model=Detail)
def one(request: Request, digest: Digest, caller: Caller = needs("data.see", of=ARTIFACT)) -> Any:
    """A dataset with all that belongs to it."""
    space = place_of(request).workspace
    dataset = dataset_of(space, digest)
    [row] = datasets.some(space.catalog, [digest])
    versions, facts = datasets.versions(space.catalog, row), facts_of(dataset)
    contract = dataset.read_json("contract.json") if "contract.json" in dataset.manifest.files else {}
    older = [one["digest"] for one in versions if one["created"] < row["created"]]
    return {**_told(row), "size": size_of(space, dataset), "columns": facts["columns"], "contract": contract,
            "sources": _sources(facts), "versions": [_told(one) for one in versions[:SHOWN]],
            "previous": older[0] if older else None}  # fmt: skip


def _told(row: Row) -> Row:
    return {"version": None, "rows": None, **row, "quality": quality(row)}


def _sources(facts: dict[str, Any]) -> list[Row]:
    return [
        {"name": name, "read": found["read"], "accepted": found["accepted"], "reasons": found["quarantined"]}
        for name, found in facts.get("sources", {}).items()
    ]
