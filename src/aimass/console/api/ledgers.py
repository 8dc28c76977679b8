"""Ledgers of candidates: what was tried, adopted or not, and why; also where nothing was published."""

from __future__ import annotations

import json
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints
from starlette.requests import Request

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.who import forbidden, needs
from aimass.console.access.whose import ARTIFACT, LISTED
from aimass.console.api.artifacts import LEDGER, Digest, Numbered, full
from aimass.console.api.bodies import PROBLEMS, Body
from aimass.console.api.jobs import Job
from aimass.console.api.models import Figure
from aimass.console.api.versions import Line
from aimass.console.jobs.beyond import unnamed
from aimass.console.kept import Kept
from aimass.console.place import place_of
from aimass.console.refusals import missing, taken
from aimass.console.tried import Page, found_in, page, read
from aimass.core.step import load_step
from aimass.publish.names import CHAMPION, check_alias, check_name
from aimass.runner.workspace import Workspace
from aimass.store import lineage
from aimass.store import tables as t
from aimass.store.catalog import Row
from aimass.store.jobs import Jobs

router = APIRouter(prefix="/api/v1/ledgers", tags=["ledgers"], responses=PROBLEMS)
kept_ledger = Kept(read("ledger.json"), most=200)


class Best(BaseModel):
    """What was picked, or came nearest where nothing could be."""

    candidate: str
    quality: Figure | None
    p99_ms: Figure | None
    size_bytes: int | None


class Ledger(BaseModel):
    """A choice among TRIED candidates, MEASURED of them; null where its file is gone.

    MET: every budget was kept, so there is a pick.
    """

    digest: str
    created: str
    run: int | None
    task: str
    metric: str
    tried: int
    measured: int
    met: bool
    best: Best | None
    versions: list[Numbered]


class Ledgers(BaseModel):
    """Newest first.  NEXT is `after` of the page behind this one; null on the last."""

    rows: list[Ledger]
    next: str | None


class Candidate(BaseModel):
    """A way to meet the goal, and why it was adopted or not; nothing was measured of what was not finished.

    DIFFERENCE, AGREEMENT, SIZE_RATIO and ENGINE_RATIO are against its BASELINE: the model before it was compressed.
    """

    candidate: str
    status: str
    reason: str
    passes: int = 0
    engine: dict[str, Any] | None = None
    model: str | None = None
    report: str | None = None
    run: int | None = None
    quality: Figure | None = None
    p50_ms: Figure | None = None
    p99_ms: Figure | None = None
    engine_p50_ms: Figure | None = None
    size_bytes: int | None = None
    baseline: str | None = None
    difference: Figure | None = None
    agreement: float | None = None
    size_ratio: float | None = None
    engine_ratio: Figure | None = None


class Nearest(BaseModel):
    """What would have to be granted for a candidate to fit."""

    candidate: str
    summary: str


class Whole(BaseModel):
    """A ledger.  BETTER is the good side of the metric: higher or lower, "" where the metric is not known here."""

    digest: str
    created: str
    run: int | None
    task: str
    metric: str
    better: str
    asked: dict[str, Any]
    goal: list[Line]
    pick: str | None
    binding: str | None
    nearest: list[Nearest]
    candidates: list[Candidate]
    machine: dict[str, Any]
    versions: list[Numbered]


class Publish(Body):
    """What the pick is to be called, and the alias that is moved to it."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    alias: Annotated[str, StringConstraints(min_length=1, max_length=100)] = CHAMPION


@router.get("", response_model=Ledgers)
def ledgers(
    request: Request, after: Page = "", limit: Annotated[int, Query(ge=1, le=200)] = 50,
    caller: Caller = needs("ledgers.see", of=LISTED),
) -> Any:  # fmt: skip
    """Ledgers, newest first."""
    space = place_of(request).workspace
    a = t.artifact.c
    rows, more = page(space.catalog, (a.kind == "report") & (a.step == LEDGER), after, limit)
    digests = [row["digest"] for row in rows]
    runs, versions = lineage.known(space.catalog, digests), _published(space, digests)
    return {"next": more, "rows": [_line(space, row, runs[row["digest"]]["run"], versions.get(row["digest"], []))
                                   for row in rows]}  # fmt: skip


@router.get("/{digest}", response_model=Whole)
def ledger(request: Request, digest: Digest, caller: Caller = needs("ledgers.see", of=ARTIFACT)) -> Any:
    """A ledger with every candidate."""
    space = place_of(request).workspace
    row, told = _found(space, digest)
    made = lineage.known(space.catalog, {row["digest"], *(c["model"] for c in told["candidates"] if c.get("model"))})
    candidates = [{**one, "run": made.get(one.get("model") or "", {}).get("run")} for one in told["candidates"]]
    versions = _published(space, [row["digest"]]).get(row["digest"], [])
    return {**told, **row, "run": made[row["digest"]]["run"], "candidates": candidates, "versions": versions,
            "better": found_in(told["metric"]), "binding": (told["binding"] or {}).get("summary"),
            "pick": (told["pick"] or {}).get("candidate")}  # fmt: skip


@router.post("/{digest}/publish", response_model=Job, status_code=201)
def publish(
    request: Request, digest: Digest, body: Publish, caller: Caller = needs("models.change", of=ARTIFACT)
) -> Any:
    """Ask for the pick of a ledger to be published: a job, which the gates may still refuse."""
    space = place_of(request).workspace
    row, told = _found(space, digest)
    check_name(body.name)
    check_alias(body.alias)
    if space.catalog.reach is not None and (why := unnamed(space.catalog, space.catalog.reach, body.name)):
        raise forbidden(caller, "models.change", "everything", why)
    if told["pick"] is None:
        raise taken("this ledger picked no candidate, so there is nothing to publish",
                    expected="a ledger with a pick", todo="relax a budget and search again")  # fmt: skip
    inputs = {"model": told["pick"]["model"], "ledger": row["digest"]}
    task = load_step("publish").task(inputs, {"name": body.name, "alias": body.alias}, 0, f"publish {body.name}")

    def noted(link: sa.Connection, job: Row) -> None:
        after = {"job": job["id"], "ledger": row["digest"], "model": inputs["model"]}
        audit.note(link, caller, "models.publish", f"{body.name}@{body.alias}", after=after)

    work = json.loads(task.to_json())
    job = Jobs(space.catalog).ask("task", work, label=task.label, who=caller.name, note=noted)
    return {**job, "seconds": None}


def _found(space: Workspace, digest: str) -> tuple[Row, Row]:
    """The artifact and the content of the ledger DIGEST.  Raises Refusal (404) for what is none."""
    row = space.catalog.artifact(full(space.catalog, digest))
    if row is None or row["kind"] != "report" or row["step"] != LEDGER:
        raise missing(f"there is no ledger {digest}")
    told = kept_ledger(space, row["digest"])
    return row, told if told is not None else read("ledger.json")(space.open(row["digest"]))  # says why it is not read


def _line(space: Workspace, row: Row, run: int | None, versions: list[Row]) -> Row:
    told = kept_ledger(space, row["digest"]) or {"candidates": [], "pick": None}
    measured = [one for one in told["candidates"] if "quality" in one]
    shown = [told["pick"]] if told["pick"] else told.get("nearest", [])
    best = next((one for one in measured if shown and one["candidate"] == shown[0]["candidate"]), None)
    return {**row, "run": run, "task": told.get("task", ""), "metric": told.get("metric", ""), "best": best,
            "tried": len(told["candidates"]), "measured": len(measured), "met": told["pick"] is not None,
            "versions": versions}  # fmt: skip


def _published(space: Workspace, digests: list[str]) -> dict[str, list[Row]]:
    """The versions that were published with each ledger of DIGESTS."""
    link = sa.select(t.parent.c.parent, t.parent.c.child).join(t.artifact, t.artifact.c.digest == t.parent.c.child)
    rows = space.catalog.rows(link.where(t.parent.c.parent.in_(digests), t.artifact.c.kind == "release"))
    versions = lineage.versions_of(space.catalog, {row["child"] for row in rows})
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["parent"], []).extend(versions.get(row["child"], []))
    return found
