"""The playground: how a release wants to be asked, and records for it that any role that may act can send."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import MODEL
from aimass.console.api.bodies import PROBLEMS, Body
from aimass.console.api.endpoints import EndpointName
from aimass.console.beside import url_of
from aimass.console.endpoints.asking import path_of, predicted
from aimass.console.endpoints.form import form_of
from aimass.console.endpoints.served import endpoint
from aimass.console.place import place_of
from aimass.console.refusals import Refusal, missing
from aimass.console.up import house
from aimass.core.artifact import Release
from aimass.runner.workspace import Workspace
from aimass.store.catalog import Row

router = APIRouter(prefix="/api/v1/playground", tags=["playground"], responses=PROBLEMS)
ROWS = 1000  # of a request: a table that one still looks at
Word = Annotated[str, Field(max_length=100)]  # a version or a label


class Column(BaseModel):
    """What a caller sends, and how: values are classes or a few examples."""

    name: str
    sent: str
    kind: str
    unit: str
    shape: list[int]
    values: list[str]


class Output(BaseModel):
    name: str
    unit: str


class Form(BaseModel):
    """How to ask a version; `url` is where callers on this machine send to, "" while nobody answers.

    With `keys` they have to show one.
    """

    name: str
    version: str
    digest: str
    url: str
    keys: bool
    task: Literal["binary", "multiclass", "regression", "other"]
    target: str
    classes: list[str]
    columns: list[Column]
    outputs: list[Output]
    examples: list[dict[str, Any]]


class Explain(Body):
    """What to explain beside the answer."""

    budget_ms: Annotated[float, Field(ge=0, le=30_000)] = 200.0
    target: Annotated[str, Field(max_length=1000)] = ""
    counterfactual: bool = False
    overlay: bool = False


class Records(Body):
    """Records for a version, or for whoever has its turn where none is named."""

    records: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=ROWS)]
    version: Word = ""
    explain: Explain | None = None
    resize: bool = False


class Answered(BaseModel):
    """What the version `model` answered, row by row, and how long it took to be here."""

    model: str
    predictions: list[dict[str, Any]]
    explain: dict[str, Any] | None
    milliseconds: float


@router.get("/{name}", response_model=Form)
def form(
    request: Request, name: EndpointName, caller: Caller = needs("endpoints.see", of=MODEL),
    version: Annotated[str, Query(max_length=100)] = "",
) -> Any:  # fmt: skip
    """How a version wants to be asked; without one, the version that has most of the requests."""
    space = place_of(request).workspace
    found = endpoint(space, name)
    row = _version(found, version)
    release = space.open(row["digest"])
    if not isinstance(release, Release):
        raise missing(f"{name}@{row['version']} is a {release.kind}, no release")
    return {"name": name, "version": row["version"], "digest": row["digest"], "url": _url(space, name, version),
            "keys": bool(house.read(space.folder)), **form_of(release)}  # fmt: skip


@router.post("/{name}", response_model=Answered)
def ask(request: Request, name: EndpointName, body: Records, caller: Caller = needs("endpoints.ask", of=MODEL)) -> Any:
    """Send records as any caller would; with `explain`, why the model answers so."""
    space = place_of(request).workspace
    endpoint(space, name)  # a name that is published goes into an address, no other
    asked: dict[str, Any] = {"records": body.records}
    if body.explain is not None:
        asked["explain"] = body.explain.model_dump()
    return predicted(space, name, body.version, asked, resize=body.resize, id=f"playground-{caller.request}")


def _version(found: Row, word: str) -> Row:
    """The version of the endpoint FOUND that WORD names, itself or by its label."""
    word = found["labels"].get(word, word) or max(found["shares"], key=found["shares"].get, default="")
    versions: list[Row] = found["versions"]
    row = next((one for one in versions if one["version"] == word), None if word else _first(versions))
    if row is None:
        raise missing(f"{found['name']} has no version {word[:100]!r}")
    return row


def _first(versions: list[Row]) -> Row:
    """The champion; the newest where there is none."""
    return next((one for one in versions if one["champion"]), versions[0])


def _url(space: Workspace, name: str, version: str) -> str:
    try:
        return url_of(space) + path_of(name, version)
    except Refusal:
        return ""
