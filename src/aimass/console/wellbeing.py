"""How things are: a line for each centre, and what waits for a person; read from facts, never kept."""

from __future__ import annotations

import os
import shutil
import socket
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from aimass.console.up import state as up
from aimass.core.errors import StoreError
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

COLLECTION = ("collect", "clean", "prepare")
RECENT = timedelta(days=7)
LITTLE, TIGHT = 1 << 30, 0.1  # bytes that must be free; share below which it is worth a word
MOST = 5  # of what waits


class Centre(NamedTuple):
    """NAME is good, warning, bad or off SINCE a time, for a REASON; what to do NEXT, where anything is."""

    name: str
    state: str
    reason: str
    since: str | None = None
    next: str | None = None


class Need(NamedTuple):
    """WHAT waits for a person and WHY; DO is a button that leads to HREF, or, without one, a command."""

    what: str
    why: str
    do: str
    href: str = ""


def centres(space: Workspace) -> list[Centre]:
    """The four of them, in the order data flows; the last is of the whole workspace."""
    collecting, other = t.run.c.step.in_(COLLECTION), t.run.c.step.not_in(COLLECTION)
    return [
        _of_runs("Collection", _newest(space.catalog, collecting), "nothing was collected yet"),
        _of_runs("Training", _newest(space.catalog, other), "nothing was trained yet"),
        _inference(space),
        *([] if space.catalog.reach else [_management(space)]),
    ]


def needs(space: Workspace) -> list[Need]:
    """What waits for a person, the most pressing first."""
    whole = [] if space.catalog.reach else [*_disk(space), *_quarantined(space)]
    return [*whole, *_orphans(space.catalog), *_failures(space.catalog)][:MOST]


def figures_of(space: Workspace, digest: str) -> dict[str, float]:
    """What was measured of a release and held against its budgets, by name; nothing where its bytes are gone."""
    try:
        release = space.open(digest)
        lines = release.read_json("ledger.json")["goal"] if "ledger.json" in release.manifest.files else []
    except StoreError:
        return {}
    return {line["what"]: line["measured"] for line in lines if line["measured"] is not None}


def _newest(catalog: Catalog, which: sa.ColumnElement[bool]) -> Row | None:
    columns = (t.run.c.id, t.run.c.step, t.run.c.label, t.run.c.state, t.run.c.started, t.run.c.ended, t.run.c.error)
    query = sa.select(*columns).where(which).order_by(t.run.c.id.desc()).limit(1)
    return next(iter(catalog.rows(query)), None)


def _of_runs(name: str, run: Row | None, nothing: str) -> Centre:
    if run is None:
        return Centre(name, "off", nothing, next="aimass run aimass.toml")
    title = f"{run['step']} {run['label']}".strip()
    since = run["ended"] or run["started"]
    if run["state"] == "failed":
        return Centre(name, "bad", f"{title} failed: {_why(run)}", since, (run["error"] or {}).get("to_do") or None)
    return Centre(name, "good", f"{title}: {run['state']}", since)


def _inference(space: Workspace) -> Centre:
    """What `aimass up` keeps of it; a server that was started by hand is not known here."""
    known = up.read(space.folder)
    servers = [one for one in (known.processes if known else []) if str(one.get("name", "")).startswith("inference")]
    if not servers:
        nothing = "no server is kept up here" if space.versions() else "nothing is released yet"
        return Centre("Inference", "off", nothing, next="aimass up" if space.versions() else "aimass run aimass.toml")
    worst = next((one for one in servers if one.get("state") != "ready"), servers[0])
    state = {"ready": "good", "starting": "warning", "waiting": "warning"}.get(str(worst.get("state")), "bad")
    return Centre("Inference", state, f"{worst['name']} is {worst['state']}", worst.get("since"), worst.get("why"))


def _management(space: Workspace) -> Centre:
    total, _, free = shutil.disk_usage(space.folder)
    told = f"{free / 1e9:.1f} GB are free for the workspace"
    if free < LITTLE:
        return Centre("Management", "bad", told, next="free some space, or nothing more can be kept")
    return Centre("Management", "warning" if free < TIGHT * total else "good", told)


def _disk(space: Workspace) -> list[Need]:
    free = shutil.disk_usage(space.folder).free
    if free >= LITTLE:
        return []
    return [Need("The disk is nearly full", f"{free / 1e6:.0f} MB are free for the workspace", "aimass doctor")]


def _quarantined(space: Workspace) -> list[Need]:
    known = up.read(space.folder)
    bad = [one for one in (known.processes if known else []) if one.get("state") == "quarantined"]
    return [Need(f"{one['name']} is not started any more", str(one.get("why", "")), "aimass status") for one in bad]


def _orphans(catalog: Catalog) -> list[Need]:
    """Runs of this machine that say they work, whose process is gone."""
    here = (t.run.c.state.in_(("running", "stopping")), t.run.c.host == socket.gethostname())
    rows = catalog.rows(sa.select(t.run.c.id, t.run.c.pid, t.run.c.step, t.run.c.label).where(*here).limit(100))
    why = "its process is gone; started again, it goes on from its checkpoint"
    return [Need(f"Run {row['id']} ({_title(row)}) stands still", why, f"Open run {row['id']}", f"#/runs/{row['id']}")
            for row in rows if not _runs(row["pid"])]  # fmt: skip


def _failures(catalog: Catalog) -> list[Need]:
    """Tasks whose newest run failed lately."""
    newest = sa.select(sa.func.max(t.run.c.id)).group_by(t.run.c.task)
    since = (datetime.now(UTC) - RECENT).isoformat(timespec="microseconds")
    failed = (t.run.c.state == "failed", t.run.c.started > since, t.run.c.id.in_(newest))
    columns = (t.run.c.id, t.run.c.step, t.run.c.label, t.run.c.error)
    rows = catalog.rows(sa.select(*columns).where(*failed).order_by(t.run.c.id.desc()).limit(MOST))
    return [Need(f"{_title(row)} failed", _why(row), f"Open run {row['id']}", f"#/runs/{row['id']}") for row in rows]


def _title(row: Row) -> str:
    return f"{row['step']} {row['label']}".strip()


def _why(row: Row) -> str:
    error: dict[str, Any] = row["error"] or {}
    return str(error.get("error") or "it did not say why")


def _runs(pid: int) -> bool:
    """Whether there is a process PID on this machine, whoever it is by now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True
