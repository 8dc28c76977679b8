"""Advice: which accelerations of a training were tried, what each was worth, and why others were not taken."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import ARTIFACT, LISTED
from aimass.console.api.artifacts import Digest, full
from aimass.console.api.bodies import PROBLEMS
from aimass.console.kept import Kept
from aimass.console.place import place_of
from aimass.console.refusals import missing
from aimass.console.tried import Page, page, read
from aimass.core.artifact import Artifact
from aimass.runner.workspace import Workspace
from aimass.store import lineage
from aimass.store import tables as t
from aimass.store.catalog import Row

router = APIRouter(prefix="/api/v1/advice", tags=["ledgers"], responses=PROBLEMS)
FILE = "advice.json"
LOOKED = 500  # models that a page looks through: few trainings were advised


class Ratio(BaseModel):
    """Time without / time with: above 1 it is faster.  LOW and HIGH bound the median, null: too few pairs."""

    value: float
    low: float | None
    high: float | None
    pairs: int


class Tried(BaseModel):
    """A candidate: the SHARE of a step that it can touch, what it was worth, whether it was taken, and why not."""

    candidate: str
    kind: str
    changes: dict[str, Any]
    share: float
    ratio: Ratio | None
    numerics: str
    memory: float | None
    break_even: float | None
    decision: str
    reason: str


class Advice(BaseModel):
    """What was found for the training of a model: adopted, kept as it was, too noisy or too short to tell."""

    model: str
    created: str
    run: int | None
    label: str
    verdict: str
    reason: str
    changes: dict[str, Any]
    ratio: Ratio | None
    seconds: float
    tried: int
    reused: bool


class Advised(BaseModel):
    """Newest first.  NEXT is `after` of the page behind this one; null on the last."""

    rows: list[Advice]
    next: str | None


class WholeAdvice(Advice):
    """An advice with every candidate.  SHARES of a step by its parts, STEP and BUDGET in seconds; HOW it was timed."""

    how: str
    floor: Ratio | None
    shares: dict[str, float]
    step: float
    budget: float
    plan: dict[str, Any]
    rows: list[Tried]


def _read(model: Artifact) -> Row:
    """The advice kept with MODEL; {} where it was trained without."""
    return read(FILE)(model) if FILE in model.manifest.files else {}


kept_advice = Kept(_read)


@router.get("", response_model=Advised)
def advised(
    request: Request, after: Page = "", limit: Annotated[int, Query(ge=1, le=200)] = 50,
    caller: Caller = needs("ledgers.see", of=LISTED),
) -> Any:  # fmt: skip
    """Advised trainings, newest first."""
    space = place_of(request).workspace
    rows, more = page(space.catalog, (t.artifact.c.kind == "model") & (t.artifact.c.step == "train"), after, LOOKED)
    told = [(row, found) for row in rows if (found := kept_advice(space, row["digest"]))]
    if len(told) > limit:
        last = told[limit - 1][0]
        told, more = told[:limit], f"{last['created']}~{last['digest']}"
    made = lineage.known(space.catalog, [row["digest"] for row, _ in told])
    return {"rows": [_shown(made[row["digest"]], found) for row, found in told], "next": more}


@router.get("/{digest}", response_model=WholeAdvice)
def advice(request: Request, digest: Digest, caller: Caller = needs("ledgers.see", of=ARTIFACT)) -> Any:
    """The advice that a model was trained by."""
    space: Workspace = place_of(request).workspace
    whole = full(space.catalog, digest)
    row = lineage.known(space.catalog, [whole]).get(whole)
    found = _read(space.open(whole)) if row and row["kind"] == "model" else None
    if not row or not found:
        raise missing(f"nobody advised on {digest}")
    return {**found, **_shown(row, found)}


def _shown(row: Row, told: Row) -> Row:
    facts = {name: told[name] for name in ("verdict", "reason", "changes", "ratio", "seconds", "reused")}
    return {**facts, "model": row["digest"], "created": row["created"], "run": row["run"], "label": row["label"],
            "tried": len(told["rows"])}  # fmt: skip
