"""What came of a job so far: the runs it is made of, and the ledger once there is one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import JOB
from aimass.console.api.bodies import PROBLEMS
from aimass.console.jobs import story
from aimass.console.jobs.attempt import folder_of
from aimass.console.place import place_of
from aimass.console.refusals import missing
from aimass.core.errors import InputError, StoreError
from aimass.runner.workspace import Workspace
from aimass.store import listed
from aimass.store import tables as t
from aimass.store.catalog import Row
from aimass.store.jobs import Jobs

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], responses=PROBLEMS)
CHOICE = "choose"  # the step that makes the ledger


class Step(BaseModel):
    """A run that the job began, as it is by now."""

    run: int
    step: str
    label: str
    state: str
    started: str
    ended: str | None
    seconds: float
    metrics: dict[str, float]
    output: str | None
    error: dict[str, Any] | None


class Held(BaseModel):
    """A budget against what was measured: of the pick, or else of the nearest candidate."""

    what: str
    unit: str
    asked: float
    measured: float | None
    low: float | None
    high: float | None
    met: bool


class Ledger(BaseModel):
    """The ledger in short; `pick` is the candidate that was taken, null when none kept every budget."""

    digest: str
    pick: str | None
    tried: int
    held: list[Held]
    nearest: list[str]


class Story(BaseModel):
    """What the job is about, its runs in the order they began, its ledger."""

    name: str
    file: str
    target: str
    minutes: float | None
    steps: list[Step]
    ledger: Ledger | None


@router.get("/{job}/story", response_model=Story)
def told(request: Request, job: str, caller: Caller = needs("jobs.see", of=JOB)) -> Any:
    """How far a job has come, as far as its process told it to the machine of this console."""
    space = place_of(request).workspace
    try:
        row = Jobs(space.catalog).row(job)
    except InputError as error:
        raise missing(error.what) from error
    began = story.told(folder_of(space, row["id"]))
    ledger = next((one["digest"] for one in reversed(began) if one["step"] == CHOICE and one["digest"]), None)
    return {**_about(row), "steps": _steps(space, began), "ledger": ledger and _ledger(space, ledger)}


def _steps(space: Workspace, began: list[Row]) -> list[Row]:
    ids = [int(one["run"]) for one in began]
    rows = {row["id"]: row for row in listed.some(space.catalog, t.run.c.id.in_(ids))} if ids else {}
    return [{**rows[id], "run": id} for id in ids if id in rows]


def _about(row: Row) -> Row:
    """What the project file of the job says of itself; of a task, its name."""
    tables: Any = {}
    if row["kind"] == "project":
        tables = tomllib.loads(row["work"]["text"])  # it was read when the job was asked for
    collect, goal, spend = (_table(tables.get(name)) for name in ("collect", "goal", "spend"))
    minutes, path = spend.get("minutes"), collect.get("path")
    return {
        "name": str(tables.get("name", row["label"])),
        "file": Path(path).name if isinstance(path, str) else "",
        "target": str(goal.get("target", "")),
        "minutes": minutes if isinstance(minutes, int | float) else None,
    }


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _ledger(space: Workspace, digest: str) -> Row | None:
    try:
        ledger = space.open(digest).read_json("ledger.json")
    except StoreError:  # its bytes are gone
        return None
    pick = ledger["pick"]
    return {"digest": digest, "pick": pick["candidate"] if pick else None, "tried": len(ledger["candidates"]),
            "held": [_held(line) for line in ledger["goal"]],
            "nearest": [choice["summary"] for choice in ledger["nearest"]]}  # fmt: skip


def _held(line: Row) -> Row:
    low, high = line["interval"] or (None, None)
    return {**{name: line[name] for name in ("what", "unit", "asked", "measured", "met")}, "low": low, "high": high}
