"""The long form: `[steps.NAME]` tables, each one step, naming artifacts by the steps that made them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aimass.core.artifact import Artifact
from aimass.core.errors import InputError, unknown
from aimass.core.step import Step, load_step
from aimass.core.task import Task, each
from aimass.project import plan
from aimass.project.file import Project
from aimass.runner.inputs import check
from aimass.runner.needs import check as check_needs

if TYPE_CHECKING:
    from aimass.runner.workspace import Workspace

WORDS = ("do", "seed", "save_as", "on", "needs")  # every step understands these; none is a setting
FORMS = {"save_as": (str, "a name"), "on": (str, "a runner"), "needs": (dict, "a table: { cpus = 2 }")}


def run_steps(project: Project, workspace: Workspace) -> dict[str, Artifact]:
    """Run every `[steps.NAME]` after those it names; returns artifacts by step name.

    All of them are checked before the first runs.  Raises InputError with line and column.
    """
    tables: dict[str, dict[str, Any]] = project.tables["steps"]
    names = order(project, tables)
    for name in names:
        project.checked(["steps", name], partial(_check, project, workspace, name))
    done: dict[str, Artifact] = {}
    with workspace.tracked(plan.trackers(project)):
        for name in names:
            done[name] = project.checked(["steps", name], partial(_run, project, workspace, name, done))
    return done


def order(project: Project, tables: dict[str, dict[str, Any]]) -> list[str]:
    """Names of the steps, each after those it needs.  Raises InputError naming a ring."""
    sorted_names: list[str] = []
    visiting: list[str] = []

    def visit(name: str) -> None:
        if name in sorted_names:
            return
        if name in visiting:
            ring = " -> ".join([*visiting[visiting.index(name) :], name])
            raise project.at(["steps", name], InputError(f"steps need each other: {ring}", todo="break the ring"))
        visiting.append(name)
        for needed in _needed(project, name, tables):
            visit(needed)
        visiting.pop()
        sorted_names.append(name)

    for name in tables:
        visit(name)
    return sorted_names


def _step_of(project: Project, name: str) -> Step:
    def make() -> Step:
        table = project.tables["steps"][name]
        if not isinstance(table, dict):
            raise InputError(f"got {table!r}", expected=f"a table: [steps.{name}]")
        if not isinstance(table.get("do"), str):
            raise InputError("no `do`", expected="the name of a step", todo='add do = "train"')
        return load_step(table["do"])

    return project.checked(["steps", name], make)


def _needed(project: Project, name: str, tables: dict[str, dict[str, Any]]) -> list[str]:
    step = _step_of(project, name)
    found: list[str] = []
    for key in step.inputs:
        value = tables[name].get(key)
        refs = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        found += [ref for ref in refs if isinstance(ref, str) and ref in tables]
    return found


def _check(project: Project, workspace: Workspace, name: str) -> None:
    """Raises InputError for a key, a setting or an input of the step NAME that cannot be."""
    step, table = _step_of(project, name), project.tables["steps"][name]
    known = [*step.inputs, *step.settings, *WORDS]
    for key in table:
        if key not in known:
            raise unknown(f"setting of {step.name}", key, known, key=key)
    for key, (kind, expected) in FORMS.items():
        if key in table and not isinstance(table[key], kind):
            raise InputError(f"got {table[key]!r}", expected=expected, key=key)
    check_needs(table.get("needs", {}))
    inputs = {key: table[key] for key in step.inputs if key in table}
    check(step, _task(project, name, inputs), partial(_kind, project, workspace))


def _kind(project: Project, workspace: Workspace, ref: str) -> type[Artifact]:
    """The kind of what the name REF will stand for: a step, what a step saves, or an artifact that is there."""
    tables = project.tables["steps"]
    saved = {_save_as(project, name): name for name in tables}
    name = ref if ref in tables else saved.get(ref)
    return type(workspace.get(ref)) if name is None else _step_of(project, name).returns


def _save_as(project: Project, name: str) -> str:
    return str(project.tables["steps"][name].get("save_as", f"{project.name}/{name}"))


def _task(project: Project, name: str, inputs: Any) -> Task:
    step, table = _step_of(project, name), project.tables["steps"][name]
    given = {key: value for key, value in table.items() if key in step.settings}
    return step.task(inputs, given, table.get("seed", project.seed), name)


def _run(project: Project, workspace: Workspace, name: str, done: dict[str, Artifact]) -> Artifact:
    step, table = _step_of(project, name), project.tables["steps"][name]
    named = {key: table[key] for key in step.inputs if key in table}
    inputs = each(named, lambda ref: (done[ref] if ref in done else workspace.get(ref)).digest)
    how = {"needs": table.get("needs"), "on": table.get("on", project.on), "save_as": _save_as(project, name)}
    return step.run(workspace, _task(project, name, inputs), **how)[0]
