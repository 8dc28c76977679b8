"""Each subsystem: its state, since when, its version, what it uses of this machine; started anew."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console import subsystems
from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.api.bodies import AWAY, PROBLEMS
from aimass.console.place import place_of
from aimass.console.refusals import missing, taken
from aimass.core.errors import suggest

router = APIRouter(prefix="/api/v1/subsystems", tags=["subsystems"], responses={**PROBLEMS, **AWAY})


class Process(BaseModel):
    """A process that `aimass up` keeps, or itself. With all that it started it uses `cpu` cores and `memory` bytes.

    state is "starting", "ready", "waiting" for its next start, "quarantined" as it failed too often, "stopping" or
    "stopped"; `why` is how it ended the last time. `job` is what a worker carries out.
    """

    name: str
    state: str
    since: str
    restarts: int
    pid: int | None
    version: str | None
    url: str | None
    job: str | None
    why: str | None
    cpu: float | None
    memory: int | None


class Store(BaseModel):
    """What processes stand on: how it is, where, how large, how long it takes to answer."""

    name: str
    state: Literal["good", "warning", "bad"]
    reason: str
    where: str
    bytes: int | None
    answer_ms: float | None


class Machine(BaseModel):
    """This machine: `cpu` is the share of all cores that worked since the look before; memory and disk in bytes."""

    name: str
    system: str
    cores: int
    cpu: float | None
    load: list[float]
    memory: int | None
    memory_used: int | None
    disk: int
    disk_used: int


class Subsystems(BaseModel):
    """`kept`: whether `aimass up` keeps this console, so that it can start processes anew."""

    processes: list[Process]
    stores: list[Store]
    machine: Machine
    kept: bool


class Renewed(BaseModel):
    """The process that is started anew."""

    name: str


@router.get("", response_model=Subsystems)
def listed(request: Request, caller: Caller = needs("subsystems.see")) -> Any:
    """All processes, stores, and the machine."""
    place = place_of(request)
    place.host.look()
    return {"processes": subsystems.processes(place), "stores": subsystems.stores(place.workspace),
            "machine": place.host.facts(place.workspace.folder), "kept": place.keeper is not None}  # fmt: skip


@router.post("/{name}/restart", response_model=Renewed, status_code=202)
def restart(
    request: Request, name: Annotated[str, InPath(max_length=80)], caller: Caller = needs("subsystems.restart")
) -> Any:
    """End a process and start it again: it finishes what it does; a job stops at its next report and goes on after."""
    place = place_of(request)
    known = {one["name"]: one for one in subsystems.processes(place) if one["name"] != "up"}
    if name not in known:
        raise missing(f"no process is called {name!r}{suggest(name, known)}")
    if place.keeper is None:
        raise taken("another `aimass up` keeps the processes", todo="ask the console that it keeps")
    before = {key: known[name][key] for key in ("pid", "since")}
    with audit.acting(place.catalog, caller, "subsystems.restart", name, before=before):
        place.keeper.ask(renew=name)
    return {"name": name}
