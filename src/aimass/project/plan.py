"""What can be said of a project before anything runs: every part, setting and column its file describes.

A misspelt name on the last line costs no minutes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aimass.core.errors import InputError, unknown
from aimass.core.part import Part, resolve, table_of
from aimass.core.step import load_step
from aimass.core.task import Task
from aimass.project.file import Project
from aimass.runner.needs import check as check_needs

if TYPE_CHECKING:
    from aimass.search.goal import Goal


def check(project: Project) -> None:
    """Raises InputError with line and column for the first thing of PROJECT that cannot be."""
    tables = project.tables
    for name, table in project.sources.items():
        part(project, "collector", source_keys(project, name), table)
    parts(project, "transform", ["clean", "transforms"], tables.get("clean", {}).get("transforms"))
    parts(project, "architecture", ["search", "models"], project.search.models)
    parts(project, "pass", ["search", "passes"], project.search.passes)
    parts(project, "engine", ["search", "engines"], project.search.engines)
    parts(project, "recipe", ["train", "recipe"], project.train.recipe)
    project.checked(["train", "needs"], partial(check_needs, project.train.needs or {}))
    parts(project, "gate", ["publish", "gates"], project.publish.gates)
    trackers(project)
    goal(project)
    task(project, "clean", ["clean"], {"sources": {}}, tables.get("clean", {}))
    task(project, "prepare", ["prepare"], {"dataset": "not made yet"}, prepare_settings(project))
    contract(project)
    columns(project)


def parts(project: Project, family: str, keys: list[str], tables: Any) -> None:
    """Check every part in TABLES, a list that may hold lists."""
    if not isinstance(tables, list):
        part(project, family, keys, tables) if tables is not None else None
        return
    for index, table in enumerate(tables):
        parts(project, family, [*keys, str(index)], table)


def part(project: Project, family: str, keys: list[str], table: Any) -> Part:
    """The part described by TABLE, checked."""
    given = {"use": table} if isinstance(table, str) else table
    if not isinstance(given, dict) or not isinstance(given.get("use"), str):
        names = ", ".join(sorted(table_of(family)))
        what = f"no `use`: it names the {family}"
        raise project.at(keys, InputError(what, expected=f"one of: {names}", todo=f"see: aimass parts {family}"))
    name_at = keys if isinstance(table, str) else [*keys, "use"]
    found = project.checked(name_at, partial(resolve, family, given["use"]))
    return project.checked(keys, partial(found.from_settings, given, family))


def trackers(project: Project) -> list[Part]:
    """[track], or each of [[track]], checked."""
    given = project.tables.get("track", [])
    if not isinstance(given, list):
        return [part(project, "tracker", ["track"], given)]
    return [part(project, "tracker", ["track", str(index)], table) for index, table in enumerate(given)]


def contract(project: Project) -> None:
    """Check every column that [clean.contract] describes; whether the source has it is seen in its rows."""
    from aimass.clean.contract import Column

    for source, described in project.tables.get("clean", {}).get("contract", {}).items():
        keys = ["clean", "contract", source]
        if not isinstance(described, dict):
            raise project.at(keys, InputError(f"got {described!r}", expected="a table of columns"))
        for name, facts in described.items():
            table = {"type": facts} if isinstance(facts, str) else facts
            project.checked([*keys, name], partial(Column.from_settings, table, name))


def columns(project: Project) -> None:
    """Check every kind and its settings in [prepare.columns]; whether the rows have the column is seen later."""
    from aimass.prepare.kinds import DROPPED

    kinds = [*table_of("preparer"), *DROPPED]
    for name, given in project.tables.get("prepare", {}).get("columns", {}).items():
        keys, use = ["prepare", "columns", name], given.get("use") if isinstance(given, dict) else given
        if isinstance(use, str) and use not in kinds and ":" not in use:
            raise project.at(keys, unknown("kind of column", use, kinds))
        if use not in list(DROPPED):
            part(project, "preparer", keys, given)


def goal(project: Project) -> Goal:
    """[goal], checked."""
    from aimass.search.goal import Goal

    return project.checked(["goal"], partial(Goal.from_settings, project.tables["goal"], "goal"))


def task(project: Project, verb: str, keys: list[str], refs: Any, given: dict[str, Any], name: str = "") -> Task:
    """The task of step VERB; a setting that cannot be is said with its line in the project file."""
    return project.checked(keys, lambda: load_step(verb).task(refs, given, project.seed, name))


def prepare_settings(project: Project) -> dict[str, Any]:
    """[prepare], and the target."""
    return {"target": project.tables["goal"].get("target"), **project.tables.get("prepare", {})}


def source_keys(project: Project, name: str) -> list[str]:
    """Where the source NAME stands."""
    return ["collect"] if project.one_source else ["collect", name]
