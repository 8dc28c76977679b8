"""What can be changed while everything runs: value, range, unit, who changed it; changed, and taken back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StrictFloat, StrictInt
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import forbidden, needs
from aimass.console.api.bodies import AWAY, PROBLEMS, Body, Id
from aimass.console.parameters import changes, effect, registry
from aimass.console.parameters.processes import OWN
from aimass.console.place import place_of
from aimass.console.refusals import missing

router = APIRouter(prefix="/api/v1/parameters", tags=["parameters"], responses={**PROBLEMS, **AWAY})
NEEDED = "parameters.console"
Value = int | float | str
Number = Annotated[StrictInt | StrictFloat, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
Longest = Annotated[str, Field(max_length=256)]


class Change(BaseModel):
    """WHO changed NAME; `undoes` is the change that was taken back by it."""

    id: int
    time: str
    who: str
    name: str
    before: Value | None
    after: Value | None
    undoes: int | None


class Window(BaseModel):
    """Seconds that callers waited for the answers to REQUESTS of a stretch of time; null where none came."""

    requests: int
    p50: float | None
    p95: float | None
    p99: float | None


class Felt(BaseModel):
    """What callers waited before and after, a stretch of SECONDS each; `why` says where nothing can be said (yet)."""

    seconds: float
    before: Window | None
    after: Window | None
    why: str | None


class Known(Change):
    """A change with what came of it."""

    effect: Felt


class Parameter(BaseModel):
    """A number from LOW to HIGH in UNIT, or one of CHOICES.

    state is "default", "changed", "pending" (WANTED is not in effect everywhere yet), or "elsewhere": changed by
    another way than this API. EFFECT says when a change is felt.
    """

    name: str
    subsystem: str
    value: Value
    default: Value
    low: float | None
    high: float | None
    choices: list[str]
    whole: bool
    unit: str
    help: str
    effect: str
    wanted: Value | None
    state: Literal["default", "changed", "pending", "elsewhere"]
    newest: Change | None


class Silent(BaseModel):
    """A subsystem that cannot be asked, and why."""

    subsystem: str
    error: str
    to_do: str


class Parameters(BaseModel):
    rows: list[Parameter]
    silent: list[Silent]


class Values(Body):
    """Values by name, null for the one at the start; all or nothing, of one subsystem at once."""

    values: Annotated[dict[Longest, Number | Longest | None], Field(max_length=100)]


class Changed(BaseModel):
    """The parameters as they are now."""

    rows: list[Parameter]


class History(BaseModel):
    """Newest first; NEXT is `after` of the page behind this one."""

    rows: list[Known]
    next: int | None


@router.get("", response_model=Parameters)
def listed(request: Request, caller: Caller = needs("parameters.see")) -> Any:
    """Everything that can be changed, by subsystem."""
    rows, silent = registry.listed(place_of(request))
    return {"rows": rows, "silent": silent}


@router.patch("", response_model=Changed)
def change(request: Request, body: Values, caller: Caller = needs("parameters.change")) -> Any:
    """Change parameters while everything runs."""
    _check_own(body.values, caller)
    return {"rows": registry.change(place_of(request), body.values, caller)}


@router.get("/changes", response_model=History)
def history(
    request: Request,
    name: Annotated[str, Query(max_length=256)] = "",
    after: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    caller: Caller = needs("parameters.see"),
) -> Any:
    """Who changed what, newest first, and what callers waited before and after."""
    place = place_of(request)
    rows = changes.page(place.catalog, name=name, before=after, limit=limit + 1)
    told = [{**row, "effect": effect.of(place, row)} for row in rows[:limit]]
    return {"rows": told, "next": rows[limit - 1]["id"] if len(rows) > limit else None}


@router.post("/changes/{id}/undo", response_model=Changed)
def undo(request: Request, id: Id, caller: Caller = needs("parameters.change")) -> Any:
    """Take a change back: the value before it, unless it was changed again since."""
    place = place_of(request)
    past = changes.one(place.catalog, id)
    if past is None:
        raise missing(f"there is no change {id}")
    _check_own([past["name"]], caller)
    return {"rows": registry.undo(place, past, caller)}


def _check_own(names: Any, caller: Caller) -> None:
    """Raises Refusal (403) where NAMES hold one of the console itself and CALLER may not change those."""
    own = next((name for name in names if name.startswith(OWN)), None)
    if own is not None and NEEDED not in caller.permissions:
        raise forbidden(caller, NEEDED, what=f"{caller.name} may not change {own}")
