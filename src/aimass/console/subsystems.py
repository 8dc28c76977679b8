"""Each subsystem of a workspace as it is now: processes that `aimass up` keeps, and what they all stand on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from aimass.console.place import Place
from aimass.console.up import state as up
from aimass.core.errors import StoreError
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.catalog import Row
from aimass.store.database import HEAD
from aimass.store.jobs import Jobs
from aimass.store.local import LocalBytes

TOLD = ("name", "state", "since", "restarts", "pid", "version", "url", "job", "why")
SIZE = {"sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        "postgresql": "SELECT pg_database_size(current_database())"}  # fmt: skip
VERSION = {"sqlite": "SELECT sqlite_version()", "postgresql": "SHOW server_version"}


def processes(place: Place) -> list[Row]:
    """`aimass up` itself and all that it keeps; none where nobody keeps any."""
    known = up.read(place.workspace.folder)
    if known is None:
        return []
    itself = {"name": "up", "state": "ready", "since": known.began, "restarts": 0, "pid": known.pid,
              "version": known.version}  # fmt: skip
    return [_process(place, one) for one in (itself, *known.processes)]


def _process(place: Place, one: Row) -> Row:
    used = place.host.of(one["pid"]) if one.get("pid") else None
    told = {name: one.get(name) for name in TOLD}
    return {**told, "cpu": used and used.cpu, "memory": used and used.memory}


def stores(space: Workspace) -> list[Row]:
    """What everything stands on: catalog, artifacts, queue; each with its state and figures."""
    return [_catalog(space), _artifacts(space), _queue(space)]


def _catalog(space: Workspace) -> Row:
    engine, name = space.catalog.engine, space.catalog.engine.dialect.name
    began = time.perf_counter()
    try:
        version, size = _one(space, VERSION[name]), _one(space, SIZE[name])
    except StoreError as error:
        return _told("catalog", "bad", error.what)
    took = (time.perf_counter() - began) / 2
    where = engine.url.render_as_string(hide_password=True).partition("?")[0]
    if name == "sqlite":
        where = _inside(space, Path(str(engine.url.database)))
    facts = {"bytes": int(size), "answer_ms": round(1000 * took, 3)}
    return _told("catalog", "good", f"{name} {version}, revision {HEAD}", where, facts)


def _artifacts(space: Workspace) -> Row:
    figures = (sa.func.count(), sa.func.sum(t.artifact.c.size))
    query: Any = sa.select(*figures)
    count, size = space.catalog.rows(query)[0].values()
    kind = "a folder of the workspace" if isinstance(space.bytes, LocalBytes) else "a remote store"
    return _told(
        "artifacts",
        "good",
        f"{count} in {kind}",
        "artifacts" if isinstance(space.bytes, LocalBytes) else "",
        {"bytes": int(size or 0)},
    )


def _inside(space: Workspace, place: Path) -> str:
    """PLACE as seen from the workspace, where it lies in it."""
    return str(place.relative_to(space.folder) if place.is_relative_to(space.folder) else place)


def _queue(space: Workspace) -> Row:
    counts = Jobs(space.catalog).counts()
    waiting, running = counts.get("queued", 0), counts.get("running", 0) + counts.get("cancelling", 0)
    known = up.read(space.folder)
    workers = [one for one in (known.processes if known else []) if str(one["name"]).startswith("jobs-")]
    stuck = bool(waiting) and not workers
    why = f"{waiting} waiting, {running} running, {len(workers)} to carry them out"
    return _told("queue of jobs", "warning" if stuck else "good", why)


def _told(name: str, state: str, reason: str, where: str = "", facts: dict[str, Any] | None = None) -> Row:
    return {"name": name, "state": state, "reason": reason, "where": where, "bytes": None, "answer_ms": None,
            **(facts or {})}  # fmt: skip


def _one(space: Workspace, query: str) -> Any:
    return next(iter(space.catalog.rows(sa.text(query))[0].values()))  # type: ignore[arg-type]
