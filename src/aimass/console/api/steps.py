"""Steps as forms: what each takes, what there is to give it, and whether what was written would run."""

from __future__ import annotations

import statistics
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED, NOBODYS
from aimass.console.api.bodies import PROBLEMS, Body, Id
from aimass.console.api.jobs import Task, check_inside, check_may, check_writable
from aimass.console.forms.apart import steps
from aimass.console.place import place_of
from aimass.console.refusals import missing
from aimass.core.stages import VERBS
from aimass.core.task import each
from aimass.store import listed
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

router = APIRouter(prefix="/api/v1/steps", tags=["steps"], responses=PROBLEMS)
ELSEWHERE = ("predict",)  # writes a file where it is told to: a playground and a command line are for that
LIKE = 20  # runs whose time is looked at
Kind = Literal["text", "number", "integer", "choice", "part", "group", "list", "table", "json"]


class Verb(BaseModel):
    """A step by its name, what it turns into what, and how many artifacts there are of what it needs most."""

    name: str
    story: str


class Verbs(BaseModel):
    rows: list[Verb]


class Setting(BaseModel):
    """A field of a form.

    WORDS may stand instead of a value ("auto"); a part is one of a FAMILY, a list is OF such ones, a group has FIELDS.
    """

    name: str = ""
    kind: Kind
    required: bool = False
    optional: bool = False
    default: Any = None
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: list[Any] | None = None
    words: list[Any] = []
    family: str | None = None
    of: Setting | None = None
    fields: list[Setting] = []
    help: str = ""


class Part(BaseModel):
    """A choice of a family.  LACKS says which package is missing; FITS is the recipe of a network, or what it fits."""

    name: str
    help: str
    fields: list[Setting]
    lacks: str = ""
    fits: str = ""


class Input(BaseModel):
    """An artifact that a step takes: one, a list, or a table by names (dict)."""

    name: str
    kind: str
    shape: Literal["one", "list", "dict"]
    optional: bool


class Form(BaseModel):
    """A step with all that can be said to it; FAMILIES hold the parts that its settings may name."""

    step: str
    story: str
    help: str
    gives: str
    reuse: bool
    inputs: list[Input]
    fields: list[Setting]
    families: dict[str, list[Part]]


class Candidate(BaseModel):
    """An artifact that can be given to a step: its names, the newest run that made it, and what is told of it."""

    digest: str
    kind: str
    names: list[str]
    run: int | None
    label: str
    step: str
    created: str
    size: int
    facts: dict[str, Any]


class Candidates(BaseModel):
    """The newest first."""

    rows: list[Candidate]


class Draft(Body):
    """What is written into the form of a step."""

    settings: dict[str, Any] = {}
    inputs: dict[str, str | list[str] | dict[str, str] | None] = {}
    seed: int = 0
    save_as: Annotated[str, Field(max_length=256)] = ""


class Trouble(BaseModel):
    """What is wrong at KEY, the dotted name of a setting or input; "" for the whole."""

    key: str
    error: str
    expected: str = ""
    to_do: str = ""


class Known(BaseModel):
    """The run that did the same task before."""

    run: Id
    output: str


class Took(BaseModel):
    """What finished runs of this step took: seconds, as a median of RUNS, and the most memory that one of them had.

    SAME: on the same inputs.  The memory is None where nobody looked.
    """

    runs: int
    seconds: float
    memory_gb: float | None
    same: bool


class Checked(BaseModel):
    """Every problem; where there is none the task, the command that asks for it, and what is known of such runs."""

    problems: list[Trouble]
    task: Task | None = None
    command: str = ""
    known: Known | None = None
    took: Took | None = None


@router.get("", response_model=Verbs)
def verbs(request: Request, caller: Caller = needs("jobs.see", of=NOBODYS)) -> Any:
    """The steps that can be started here, in the order data flows."""
    return {"rows": [{"name": verb, "story": VERBS[verb].story} for verb in VERBS if verb not in ELSEWHERE]}


@router.get("/{step}", response_model=Form)
def form(request: Request, step: str, caller: Caller = needs("jobs.see", of=NOBODYS)) -> Any:
    """The form of a step."""
    _check_known(step, caller)
    return steps.form(step)


@router.get("/{step}/inputs", response_model=Candidates)
def inputs(
    request: Request,
    step: str,
    kind: Annotated[Literal["dataset", "examples", "model", "report", "release"], Query(description="of artifacts")],
    text: Annotated[str, Query(max_length=200, description="in the name, the label or the digest")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    caller: Caller = needs("jobs.see", of=LISTED),
) -> Any:
    """Artifacts of a kind that the step takes."""
    return {"rows": _candidates(place_of(request).catalog, kind, text, limit)}


@router.post("/{step}/check", response_model=Checked)
def check(request: Request, step: str, body: Draft, caller: Caller = needs("jobs.ask", of=LISTED)) -> Any:
    """Whether this would run, and as what; nothing is begun."""
    space, draft = place_of(request).workspace, body.model_dump()
    catalog = space.catalog
    _check_known(step, caller)
    check_writable(draft)
    check_may(space, "task", {"step": step, **draft}, caller)
    digests: list[str] = []
    each(draft["inputs"], digests.append)
    told = steps.check({"step": step, **draft, "kinds": _kinds(catalog, digests), "names": _names(catalog, digests)})
    if told["problems"]:
        return told
    known = _known(catalog, told["digest"]) if told["reuse"] else None
    return {**told, "known": known, "took": _took(catalog, step, digests)}


def _check_known(step: str, caller: Caller) -> None:
    """Raises Refusal for what is no step (404), or one by its import path (403) unless CALLER may run such."""
    if step not in VERBS and ":" not in step:
        raise missing(f"there is no step {step[:60]!r}")
    check_inside("task", {"step": step}, caller)


def _candidates(catalog: Catalog, kind: str, text: str, limit: int) -> list[Row]:
    a = t.artifact.c
    made = sa.select(t.run.c.output, sa.func.max(t.run.c.id).label("run")).where(t.run.c.state == "finished")
    newest = made.group_by(t.run.c.output).subquery()
    query = sa.select(a.digest, a.kind, a.step, a.created, a.size, a.facts, newest.c.run, t.run.c.label)
    joined = query.join_from(t.artifact, newest, newest.c.output == a.digest, isouter=True)
    joined = joined.join(t.run, t.run.c.id == newest.c.run, isouter=True).where(a.kind == kind)
    if text:
        named = sa.select(t.name.c.digest).where(t.name.c.name.icontains(text, autoescape=True))
        labelled = t.run.c.label.icontains(text, autoescape=True)
        joined = joined.where(labelled | a.digest.startswith(text, autoescape=True) | a.digest.in_(named))
    rows = catalog.rows(joined.order_by(a.created.desc(), a.digest).limit(limit))
    names = _all_names(catalog, [row["digest"] for row in rows])
    return [{**row, "label": row["label"] or "", "names": names.get(row["digest"], [])} for row in rows]


def _all_names(catalog: Catalog, digests: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in catalog.rows(sa.select(t.name).where(t.name.c.digest.in_(digests)).order_by(t.name.c.name)):
        found.setdefault(row["digest"], []).append(row["name"])
    return found


def _names(catalog: Catalog, digests: list[str]) -> dict[str, str]:
    return {digest: names[0] for digest, names in _all_names(catalog, digests).items()}


def _kinds(catalog: Catalog, digests: list[str]) -> dict[str, str]:
    query = sa.select(t.artifact.c.digest, t.artifact.c.kind).where(t.artifact.c.digest.in_(digests))
    return {row["digest"]: row["kind"] for row in catalog.rows(query)}


def _known(catalog: Catalog, task: str) -> Row | None:
    query = sa.select(t.run.c.id.label("run"), t.run.c.output).where(t.run.c.task == task, t.run.c.state == "finished")
    return next(iter(catalog.rows(query.order_by(t.run.c.id.desc()).limit(1))), None)


def _took(catalog: Catalog, step: str, digests: list[str]) -> Row | None:
    """How long finished runs of STEP took: those with the same inputs where there are any, else all."""
    done = (t.run.c.step == step, t.run.c.state == "finished")
    same = [t.run.c.task_json.contains(digest, autoescape=True) for digest in digests]
    for conditions in ((*done, *same), done) if same else (done,):
        rows = listed.some(catalog, *conditions, limit=LIKE)
        if rows:
            median = statistics.median(row["seconds"] for row in rows)
            memory = max((row["memory_gb"] for row in rows if row["memory_gb"] is not None), default=None)
            return {"runs": len(rows), "seconds": round(median, 3), "memory_gb": memory,
                    "same": bool(same) and len(conditions) > len(done)}  # fmt: skip
    return None
