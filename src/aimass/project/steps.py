"""The long form: `[steps.NAME]` tables, each one step, naming artifacts by the steps that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass.core.artifact import Artifact
from aimass.core.errors import InputError, unknown
from aimass.core.step import Step, load_step
from aimass.core.task import each
from aimass.project.file import Project

if TYPE_CHECKING:
    from aimass.runner.workspace import Workspace

WORDS = ("do", "seed", "save_as", "on", "needs")  # every step understands these; none is a setting


def run_steps(project: Project, workspace: Workspace) -> dict[str, Artifact]:
    """Run every `[steps.NAME]` after those it names; returns artifacts by step name."""
    tables: dict[str, dict[str, Any]] = project.tables["steps"]
    done: dict[str, Artifact] = {}
    for name in order(project, tables):
        done[name] = project.checked(["steps", name], lambda n=name: _run(project, workspace, n, tables[n], done))  # type: ignore[misc]
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


def _step_of(project: Project, name: str, table: dict[str, Any]) -> Step:
    def make() -> Step:
        if "do" not in table:
            raise InputError("no `do`", expected="the name of a step", todo='add do = "train"')
        return load_step(table["do"])

    return project.checked(["steps", name], make)


def _needed(project: Project, name: str, tables: dict[str, dict[str, Any]]) -> list[str]:
    step = _step_of(project, name, tables[name])
    found: list[str] = []
    for key in step.inputs:
        value = tables[name].get(key)
        refs = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        found += [ref for ref in refs if isinstance(ref, str) and ref in tables]
    return found


def _run(
    project: Project, workspace: Workspace, name: str, table: dict[str, Any], done: dict[str, Artifact]
) -> Artifact:
    step = load_step(table["do"])
    known = [*step.inputs, *step.settings, *WORDS]
    for key in table:
        if key not in known:
            raise unknown(f"setting of {step.name}", key, known, key=key)
    named = {key: table[key] for key in step.inputs if key in table}
    inputs = each(named, lambda ref: (done[ref] if ref in done else workspace.get(ref)).digest)
    given = {key: value for key, value in table.items() if key in step.settings}
    task = step.task(inputs, given, table.get("seed", project.seed), name)
    save_as = table.get("save_as", f"{project.name}/{name}")
    return step.run(workspace, task, needs=table.get("needs"), on=table.get("on", project.on), save_as=save_as)[0]
