"""Whether a release keeps its budgets on this machine: measured again as it was measured, held against what was asked.

Figures of one machine say nothing about another, so a release that comes from elsewhere is believed only so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aimass.core.artifact import Release
from aimass.core.errors import InputError, StoreError, TaskFailed
from aimass.core.step import load_step
from aimass.core.task import Task
from aimass.measure.machine import machine_digest
from aimass.publish.registry import find_release
from aimass.runner.workspace import Workspace
from aimass.search.candidate import row_of
from aimass.search.goal import Budget, Goal, budgets
from aimass.store import tables as t

Told = dict[str, Any]
COUNTS = ("samples", "starts", "processes", "calls")  # settings of `measure`: how often is asked


def held_here(workspace: Workspace, ref: str) -> Told:
    """The budgets of the release REF, each with its figure where it was released and here, and whether all hold.

    `holds` is None where there is nothing to hold: no ledger, or a goal without budgets.  A release that cannot be
    measured here (an engine is missing, it does not answer) holds nothing, and `why` says so.  What was measured on
    this machine before is not measured again.
    """
    release, number = find_release(workspace, ref)
    name = f"{ref.partition('@')[0]}@{number}"
    told: Told = {"release": name, "machine": machine_digest(), "measured_on": None, "report": None, "budgets": []}
    if not (release.folder / "ledger.json").is_file():
        return {**told, "holds": None, "why": "it has no ledger, so no budget was set"}
    try:
        promised = Promised.read(release, name)
        lines = [_line(limit, promised, None) for limit in promised.limits]
        told |= {"measured_on": promised.machine, "budgets": lines}
        if not promised.limits:
            return {**told, "holds": None, "why": "no budget was set"}
        report = workspace.run(measuring(workspace, promised, name))
    except (InputError, StoreError, TaskFailed) as error:
        return {**told, "holds": False, "why": error.what}
    row = row_of(report.read_json("report.json"), report.digest, promised.metric)
    broken = [limit.complaint(row) for limit in promised.limits if limit.excess(row) > 0]
    lines = [_line(limit, promised, row) for limit in promised.limits]
    return {**told, "report": report.digest, "budgets": lines, "holds": not broken, "why": "; ".join(broken)}


@dataclass(frozen=True)
class Promised:
    """What the ledger of a release says: the goal, its limits, the figures they were held against, and the pick."""

    goal: Goal
    metric: str
    scored: dict[str, Any]  # the metric's settings
    limits: list[Budget]
    lines: dict[str, dict[str, Any]]  # by budget
    pick: dict[str, Any]  # its row
    machine: str | None

    @classmethod
    def read(cls, release: Release, ref: str) -> Promised:
        """Raises InputError for a ledger that is none, or has no report of its pick."""
        try:
            ledger = release.read_json("ledger.json")
            goal = Goal.from_settings(ledger["asked"], "goal")
            scored = goal.metric_for(ledger["task"])
            picked = {name: ledger["pick"][name] for name in ("candidate", "model")}
            row = next(row for row in ledger["candidates"] if "report" in row and picked.items() <= row.items())
            limits = budgets(goal, ledger["metric"], scored.better)
            lines = {line["budget"]: line for line in ledger["goal"]}
            machine = ledger["machine"].get("digest")
            return cls(goal, ledger["metric"], scored.settings(), limits, lines, row, machine)
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
            raise InputError(f"the ledger of {ref} cannot be read: {error!r}", expected="one that `choose` wrote",
                             todo="run its project here: finished steps are reused") from error  # fmt: skip


def _line(limit: Budget, promised: Promised, row: Mapping[str, Any] | None) -> dict[str, Any]:
    """One budget: what was asked, the figure of the release, and the one of this machine."""
    here = limit.held_against(row)
    there = promised.lines.get(limit.name, limit.held_against(None))
    figures = {place: {name: line[name] for name in ("measured", "interval", "met")}
               for place, line in (("there", there), ("here", here))}  # fmt: skip
    return {**{name: here[name] for name in ("budget", "what", "asked", "unit")}, **figures}


def measuring(workspace: Workspace, promised: Promised, label: str) -> Task:
    """The task that measures what was PROMISED on this machine: on the same rows, as often as it was then."""
    digest = promised.pick["report"]
    before = workspace.open(digest).read_json("report.json")
    settings: Told = {
        **_counts(workspace, digest), "metrics": [promised.scored], "clients": promised.goal.clients,
        "engine": promised.pick.get("engine"), "machine": machine_digest(),
    }  # fmt: skip
    inputs = {"model": promised.pick["model"], "examples": before["examples"]}
    return load_step("measure").task(inputs, settings, label=label)


def _counts(workspace: Workspace, report: str) -> dict[str, int]:
    """How often was asked when REPORT was made; the step's own where no run tells."""
    where = (t.run.c.output == report, t.run.c.step == "measure")
    query = sa.select(t.run.c.task_json).where(*where).order_by(t.run.c.id).limit(1)
    settings: Told = next((json.loads(row["task_json"])["settings"] for row in workspace.catalog.rows(query)), {})
    return {name: settings[name] for name in COUNTS if name in settings}


def held_among(
    workspace: Workspace, refs: Sequence[str], which: str, note: Callable[[str], None],
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """`held_here` of REFS: all of them, those "served" (that aliases point to), or "none".

    NOTE hears what begins, PROGRESS how many "releases" are done, of how many.
    """
    chosen = {"all": list(refs), "none": [], "served": [ref for ref in served(workspace) if ref in refs]}[which]
    found: list[dict[str, Any]] = []
    for ref in chosen:
        note(f"measuring {ref} on this machine")
        progress("releases", len(found), len(chosen))
        found.append(held_here(workspace, ref))
    return found


def served(workspace: Workspace) -> list[str]:
    """Every version that an alias points to, as `flights@3`."""
    numbers = {(row["name"], row["digest"]): row["number"] for row in workspace.versions()}
    found = {(row["name"].partition("@")[0], row["digest"]) for row in workspace.names() if "@" in row["name"]}
    return sorted(f"{name}@{numbers[name, digest]}" for name, digest in found if (name, digest) in numbers)
