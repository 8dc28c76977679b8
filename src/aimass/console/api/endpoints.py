"""Endpoints: what is served under each published name, how well, and which versions answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import BaseModel, Field
from starlette.requests import Request

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED, MODEL
from aimass.console.api.bodies import PROBLEMS, Body
from aimass.console.beside import asked
from aimass.console.endpoints import acts, served
from aimass.console.endpoints.ring import HOUR
from aimass.console.place import Place, place_of
from aimass.console.refusals import Refusal
from aimass.store.catalog import Row

router = APIRouter(prefix="/api/v1/endpoints", tags=["endpoints"], responses=PROBLEMS)
EndpointName = Annotated[str, InPath(max_length=100)]
Word = Annotated[str, Field(max_length=100)]  # a version
Share = Annotated[float, Field(ge=0, le=1)]
SPARK = 60  # points of the last hour in a list


class Figures(BaseModel):
    """Of the last minutes: answers, faults of the server among them, milliseconds, read off between bounds."""

    answers: int
    rows: int
    faults: int
    refused: int
    per_second: float
    error_share: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Version(BaseModel):
    """A published version: whether it is loaded, why not, and the share of the requests that it has."""

    version: str
    digest: str
    created: str
    state: Literal["ready", "loading", "leaving", "refused", "off"]
    reason: str
    share: float | None
    label: str
    champion: bool
    now: Figures


class Endpoint(BaseModel):
    """What is served under a name; versions are there newest first.  `stable` was there
    before the others that have shares, `canary` is the last of those.  `spark`: time and answers a second, an hour."""

    name: str
    state: Literal["serving", "sharing", "on trial", "loading", "refused", "off"]
    why: str
    shares: dict[str, float]
    stable: str
    canary: str
    labels: dict[str, str]
    sticky: str
    shadow: str
    before: str | None
    proved: bool
    on_trial: bool
    versions: list[Version]
    now: Figures
    spark: list[list[float | None]]


class Endpoints(BaseModel):
    rows: list[Endpoint]


class WholeEndpoint(Endpoint):
    """With what happened to it, the newest last, and how the answers of its shadow differ."""

    events: list[dict[str, Any]]
    compared: dict[str, Any] | None


class Series(BaseModel):
    """By version, "" for all: time, answers a second, p50, p95 and p99 in milliseconds, share of errors."""

    every: float
    series: dict[str, list[list[float | None]]]


class Act(Body):
    """What is to be done: a verb of a deployment and what belongs to it (docs/versions.md), or `restore`."""

    verb: Literal["serve", "canary", "split", "promote", "rollback", "shadow", "restore"]
    version: Word | None = None
    share: Share | None = None
    shares: dict[str, Share] | None = None
    sticky: Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9-]*$")] | None = None

    def said(self) -> acts.Act:
        """As a deployment is told.  Raises Refusal where something lacks."""
        needed = {
            "serve": ("version",),
            "canary": ("version", "share"),
            "split": ("shares",),
            "restore": ("version", "shares"),
            "shadow": ("version",),
        }
        told = {key: value for key, value in self.model_dump().items() if value is not None}
        for key in needed.get(self.verb, ()):
            if key not in told:
                raise Refusal(422, f"{self.verb} needs {key!r}", key=key)
        return told


class Compared(BaseModel):
    """A version as it is and as it would be; `measured` stands in its ledger."""

    version: str
    state: str
    share: float
    then: float
    per_minute: float
    then_per_minute: float
    p99_ms: float | None
    error_share: float | None
    measured: dict[str, float]
    bytes: int | None


class Effect(BaseModel):
    """What an act would do, at the rate of the last minutes; `trial_seconds` until it is decided whether it stays."""

    versions: list[Compared]
    per_minute: float
    moved_per_minute: float
    loads: list[str]
    kept: str | None
    trial_seconds: float | None
    nothing: bool


class Done(BaseModel):
    """The shares from now on, and the act that takes it back."""

    shares: dict[str, float]
    undo: Act | None = None


@router.get("", response_model=Endpoints)
def listed(request: Request, caller: Caller = needs("endpoints.see", of=LISTED)) -> Any:
    """Every published name, what of it answers, and how well."""
    place = place_of(request)
    return {"rows": [_figured(place, row) for row in served.endpoints(place.workspace)]}


@router.get("/{name}", response_model=WholeEndpoint)
def one(request: Request, name: EndpointName, caller: Caller = needs("endpoints.see", of=MODEL)) -> Any:
    """What is served under a name, how well, and what happened to it."""
    place = place_of(request)
    found = served.endpoint(place.workspace, name)
    told = {} if found["silent"] else asked(place.workspace, "GET", f"/v1/deployments/{name}").json()
    return {**_figured(place, found), "events": told.get("events", []), "compared": told.get("compared")}


@router.get("/{name}/series", response_model=Series)
def series(
    request: Request, name: EndpointName, caller: Caller = needs("endpoints.see", of=MODEL),
    seconds: Annotated[float, Query(ge=10, le=HOUR)] = 900.0, points: Annotated[int, Query(ge=2, le=720)] = 180,
) -> Any:  # fmt: skip
    """Its figures over the last hour or less, as long as this console looked on."""
    place = place_of(request)
    served.check_there(place.workspace, name)
    ring = place.ring
    return {"every": ring.every, "series": ring.series(name, seconds, points)}


@router.post("/{name}/preview", response_model=Effect)
def preview(request: Request, name: EndpointName, body: Act, caller: Caller = needs("endpoints.see", of=MODEL)) -> Any:
    """What an act would do; nothing is done."""
    place = place_of(request)
    return acts.effect(place.workspace, place.ring, served.endpoint(place.workspace, name), body.said())


@router.post("/{name}/act", response_model=Done, response_model_exclude_none=True)
def act(request: Request, name: EndpointName, body: Act, caller: Caller = needs("endpoints.change", of=MODEL)) -> Any:
    """Do it; the answer comes when it is done, which may take as long as a version needs to prove itself."""
    place = place_of(request)
    said = body.said()
    with place.turns.of(name):
        found = served.endpoint(place.workspace, name)
        before = after = acts.plan_of(found)
        acts.planned(found, said)  # what makes no sense is no act
        told, what = acts.summary(before), f"endpoints.{body.verb}"
        with audit.acting(place.catalog, caller, what, name, before=told, after=said) as entry:
            for after in acts.done(place.workspace, found, said):
                entry.after = acts.summary(after)
    return {"shares": dict(after.shares), "undo": acts.undoing(before, after)}


def _figured(place: Place, row: Row) -> Row:
    name, ring = row["name"], place.ring
    versions = [{**one, "now": ring.figures(name, one["version"])} for one in row["versions"]]
    spark = [point[:2] for point in ring.series(name, HOUR, SPARK)[""]]
    return {**row, "versions": versions, "now": ring.figures(name), "spark": spark}
