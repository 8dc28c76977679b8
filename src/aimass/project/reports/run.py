"""The report of a run: what it was asked, what it reported, what it said, where it stands in the lineage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from aimass.core.errors import InputError
from aimass.project.reports.drawing import curves
from aimass.project.reports.machine import machine
from aimass.project.reports.page import facts, page, said, section, sentence, table
from aimass.runner.workspace import Workspace
from aimass.store import lineage, listed
from aimass.store import tables as t
from aimass.store.catalog import Row
from aimass.store.figures import of_machine

POINTS, LINES = 400, 1000  # of a curve, of a log
NEAR = ("kind", "step", "label", "digest", "run")
Flat = tuple[str, Any]


def report_of_run(space: Workspace, run: str) -> str:
    """Run RUN (its number) as one HTML file.  Raises InputError when there is no such run."""
    rows = (
        listed.some(space.catalog, t.run.c.id == int(run)) if run.isascii() and run.isdigit() and len(run) < 19 else []
    )
    if not rows:
        raise InputError(f"no run {run!r}", expected="the number of a run", todo="see: aimass ls runs")
    row, task = rows[0], json.loads(space.run_row(run)["task_json"])
    title = f"Run {run}: {row['label'] or row['step']}"
    return page(title, f"{row['step']}, {row['state']}, on {row['host']}", [
        facts(_short(row)), _wrong(row), section("Curves", *_drawn(space, run)),
        section("Figures", table(f"run-{run}-figures", ["figure", "last value"], sorted(row["metrics"].items()))),
        section("Machine", machine(space, run)),
        section("Parameters", table(f"run-{run}-parameters", ["setting", "value"], list(flat(task["settings"])))),
        section("Artifacts", table(f"run-{run}-artifacts", NEAR, _near(space, row))),
        section("Log", *_log(space, int(run))),
    ])  # fmt: skip


def flat(value: Any, name: str = "") -> Iterator[Flat]:
    """Nested settings as (dotted name, text)."""
    if isinstance(value, Mapping) and value:
        for key, one in value.items():
            yield from flat(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(one, (Mapping, list)) for one in value):
        for at, one in enumerate(value):
            yield from flat(one, f"{name}[{at}]")
    else:
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(row: Row) -> list[Flat]:
    ended = [("Ended", row["ended"][:19] + " UTC")] if row["ended"] else []
    return [("State", row["state"]), ("Started", row["started"][:19] + " UTC"), *ended, ("Seconds", row["seconds"]),
            ("Host", row["host"]), ("Output", (row["output"] or "–")[:16])]  # fmt: skip


def _wrong(row: Row) -> str:
    error = row["error"] or {}
    told = [error.get("error"), error.get("expected") and f"Expected: {error['expected']}",
            error.get("to_do") and f"To do: {error['to_do']}"]  # fmt: skip
    return section("Why it failed", *(sentence(one, "bad") for one in told if one)) if error else ""


def _drawn(space: Workspace, run: str) -> Iterator[str]:
    """A chart for each figure, with its points as a table to save; figures without positions are drawn over time."""
    told = space.curves(run, POINTS)
    for name, samples in [one for one in told.items() if not of_machine(one[0])]:
        placed = all(at is not None for at, _, _ in samples)
        points = [(float(at) if placed and at is not None else seconds, value) for at, value, seconds in samples]
        if len(points) > 1:
            x = "position" if placed else "seconds"
            yield curves({name: points}, x, name)
            saved = table(f"run-{run}-{name}", [x, name], points)
            yield f"<details><summary>{len(points)} points</summary>{saved}</details>"


def _log(space: Workspace, run: int) -> Iterator[str]:
    """The last lines that it said."""
    query = sa.select(t.log.c.time, t.log.c.text).where(t.log.c.run == run).order_by(t.log.c.id.desc())
    rows = space.catalog.rows(query.limit(LINES + 1))
    yield sentence(f"Its last {LINES} lines", "muted") if len(rows) > LINES else ""
    yield said([f"{row['time'][:19]}  {row['text']}" for row in rows[:LINES][::-1]])


def _near(space: Workspace, row: Row) -> list[list[Any]]:
    if not row["output"]:
        return []
    found = lineage.around(space.catalog, row["output"]).artifacts.values()
    ordered = sorted(found, key=lambda one: (one["created"], one["digest"]))
    return [[one["kind"], one["step"], one["label"], one["digest"], one["run"]] for one in ordered]
