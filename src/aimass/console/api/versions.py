"""A version of a published name: its card, its graph, its file, and what explains it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import FileResponse

from aimass.console.access.caller import Caller
from aimass.console.access.taken import note_taken
from aimass.console.access.who import needs
from aimass.console.access.whose import MODEL
from aimass.console.api.artifacts import Node, shown
from aimass.console.api.bodies import PROBLEMS
from aimass.console.api.models import Figure
from aimass.console.explained import Reasons, reasons_of
from aimass.console.looks.ask import graph_in
from aimass.console.place import place_of
from aimass.console.refusals import missing
from aimass.core.artifact import Artifact
from aimass.publish.card import card_of
from aimass.publish.listed import aliases_of
from aimass.runner.workspace import Workspace
from aimass.store import lineage
from aimass.store import tables as t
from aimass.store.base import Damaged
from aimass.store.catalog import Catalog, Row

router = APIRouter(prefix="/api/v1/models", tags=["models"], responses=PROBLEMS)
Number = Annotated[int, InPath(ge=1, lt=1 << 31)]
EXPLANATIONS = 5  # the newest of a model
FILE = "model.onnx"


class Gate(BaseModel):
    """Who let the model pass, and why."""

    gate: str
    passed: bool | None
    reason: str


class Line(BaseModel):
    """A budget: asked and measured, with its interval; null where nobody wrote it down."""

    budget: str
    what: str
    asked: float | None
    unit: str
    measured: float | None
    interval: tuple[float | None, float | None] | None
    met: bool | None


class Column(BaseModel):
    """What a caller sends."""

    name: str
    dtype: str
    kind: str = ""
    sent: str = ""
    unit: str = ""
    values: list[str] = []


class Figures(BaseModel):
    """What was measured of it: quality on held-back rows, latency at the endpoint and of the engine's call, size."""

    quality: Figure
    p50_ms: Figure
    p99_ms: Figure
    engine_p50_ms: Figure
    size_bytes: int
    difference: Figure | None = None
    agreement: float | None = None


class File(BaseModel):
    """A file of the release with its SHA-256."""

    name: str
    size: int
    sha256: str


class Card(BaseModel):
    """A version with all that argues for it.  `data` are the datasets it comes from; `previous` the version before."""

    name: str
    number: int
    digest: str
    created: str
    run: int | None
    size: int
    package: str
    aliases: list[str]
    previous: int | None
    next: int | None
    model: str
    ledger: str | None
    gates: list[Gate]
    engine: dict[str, Any]
    architecture: dict[str, Any]
    passes: list[dict[str, Any]]
    task: str
    target: str
    classes: list[str]
    columns: list[Column]
    candidate: str
    reason: str
    figures: Figures | None
    metric: str
    goal: list[Line]
    machine: dict[str, Any]
    files: list[File]
    data: list[Node]


class Layer(BaseModel):
    """A node of the graph: SHAPES of its own parameters, shape of its first OUTPUT where the file says it."""

    name: str
    operator: str
    parameters: int
    shapes: list[str]
    output: str


class Sum(BaseModel):
    """Nodes and parameters together."""

    name: str
    nodes: int
    parameters: int


class Port(BaseModel):
    name: str
    shape: str


class Graph(BaseModel):
    """COUNT nodes, the first of them one by one; DRAWN: few enough for Netron to draw them in seconds."""

    count: int
    parameters: int
    bytes: int
    drawn: bool
    inputs: list[Port]
    outputs: list[Port]
    operators: list[Sum]
    groups: list[Sum]
    nodes: list[Layer]


class Explained(BaseModel):
    """The newest reports that explain the model of a release."""

    reports: list[Reasons]


@router.get("/{name}/{number}", response_model=Card)
def version(request: Request, name: str, number: Number, caller: Caller = needs("models.see", of=MODEL)) -> Any:
    """The card of a version."""
    space = place_of(request).workspace
    row = _row(space.catalog, name, number)
    release = space.open(row["digest"])
    card = card_of(release)
    pick = card["candidate"]
    aliases = [one["alias"] for one in aliases_of(space.catalog, [name])[name] if one["number"] == number]
    found = lineage.around(space.catalog, row["digest"])
    nodes = shown(space.catalog, found.artifacts)
    mine = nodes.get(row["digest"], {"run": None})
    return {**row, **card, "run": mine["run"], "size": release.manifest.size, "package": release.manifest.version,
            "aliases": aliases, **_beside(space.catalog, name, number), "candidate": pick["candidate"] if pick else "",
            "reason": pick["reason"] if pick else "", "figures": pick, "files": _files(release),
            "data": [node for node in nodes.values() if node["kind"] == "dataset"]}  # fmt: skip


@router.get("/{name}/{number}/graph", response_model=Graph)
def graph(request: Request, name: str, number: Number, caller: Caller = needs("models.see", of=MODEL)) -> Any:
    """What is in the graph of a version, as a table."""
    space, digest = digest_of_version(request, name, number)
    return graph_in(space, _model(space, digest, f"{name[:100]}@{number}"), digest)


@router.get("/{name}/{number}/file", response_class=FileResponse)
def file(request: Request, name: str, number: Number, caller: Caller = needs("models.see", of=MODEL)) -> FileResponse:
    """The model of a version as an ONNX file."""
    space, digest = digest_of_version(request, name, number)
    path = _model(space, digest, f"{name[:100]}@{number}")
    sha256 = space.open(digest).manifest.files[FILE]
    note_taken(request, caller, "models.download", f"{name}@{number}", {"sha256": sha256})
    headers = {"cache-control": "private, max-age=3600", "etag": f'"{sha256[:32]}"'}
    return FileResponse(path, headers=headers, filename=f"{name}-{number}.onnx", media_type="application/octet-stream")


@router.get("/{name}/{number}/explanations", response_model=Explained)
def explanations(request: Request, name: str, number: Number, caller: Caller = needs("models.see", of=MODEL)) -> Any:
    """What explains the model of a version: what it relies on, and why it answered some rows as it did."""
    space, digest = digest_of_version(request, name, number)
    model = card_of(space.open(digest))["model"]
    rows = lineage.made_of(space.catalog, model, "explain", EXPLANATIONS)
    return {"reports": [{**row, **reasons_of(space.open(row["digest"]))} for row in rows]}


def digest_of_version(request: Request, name: str, number: int) -> tuple[Workspace, str]:
    """The workspace of REQUEST and the digest of NAME@NUMBER.  Raises Refusal (404)."""
    space = place_of(request).workspace
    return space, str(_row(space.catalog, name, number)["digest"])


def _model(space: Workspace, digest: str, version: str) -> Path:
    """The ONNX file of the release DIGEST, which is VERSION.  Raises Damaged where there is none."""
    release = space.open(digest)
    path = release.folder / FILE
    if FILE not in release.manifest.files or not path.is_file():
        raise Damaged(f"{version} has no {FILE}", expected="a whole release", todo="publish it again")
    return path


def _row(catalog: Catalog, name: str, number: int) -> Row:
    found = catalog.rows(sa.select(t.version).where(t.version.c.name == name, t.version.c.number == number))
    if not found:
        raise missing(f"there is no version {name[:100]}@{number}")
    return found[0]


def _beside(catalog: Catalog, name: str, number: int) -> Row:
    """The numbers before and after NUMBER."""
    v, mine = t.version.c, t.version.c.name == name
    least, most = sa.select(sa.func.min(v.number)), sa.select(sa.func.max(v.number))
    after, before = least.where(mine, v.number > number), most.where(mine, v.number < number)
    return catalog.rows(sa.select(before.scalar_subquery().label("previous"), after.scalar_subquery().label("next")))[0]


def _files(release: Artifact) -> list[Row]:
    facts = sorted(release.manifest.files.items())
    paths = {name: release.folder / name for name, _ in facts}
    return [{"name": name, "size": paths[name].stat().st_size if paths[name].is_file() else 0, "sha256": sha}
            for name, sha in facts]  # fmt: skip
