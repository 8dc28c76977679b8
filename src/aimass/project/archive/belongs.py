"""What belongs to a project: all its names lead to, what that was made from, and what was made of nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aimass.core.errors import unknown
from aimass.core.task import each
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

GOING = ("running", "stopping")


@dataclass(frozen=True)
class Belongings:
    """Of PROJECT: rows of the catalog, digests of artifacts, names of lake tables."""

    project: str
    names: list[Row]
    versions: list[Row]
    artifacts: list[str]
    runs: list[Row]  # that have ended
    tables: list[str]


def projects(workspace: Workspace) -> list[Row]:
    """Every project of WORKSPACE: its name, how many names and versions it has, and when a name moved last."""
    found: dict[str, Row] = {}
    for row in workspace.names():
        owner, slash, _ = row["name"].partition("/")
        if slash:
            known = found.setdefault(owner, {"name": owner, "names": 0, "versions": 0, "moved": ""})
            known["names"] += 1
            known["moved"] = max(known["moved"], row["moved"])
    for row in workspace.versions():
        if row["name"] in found:
            found[row["name"]]["versions"] += 1
    return sorted(found.values(), key=lambda row: row["moved"], reverse=True)


def belongings(workspace: Workspace, project: str) -> Belongings:
    """What belongs to PROJECT.  Raises InputError when nothing does."""
    names, versions = workspace.names(), workspace.versions()
    own = [row for row in names if row["name"].startswith(f"{project}/")]
    if not own:
        raise unknown("project", project, [row["name"] for row in projects(workspace)], todo="see: aimass ls names")
    others = {row["digest"] for row in names if not row["name"].startswith(f"{project}/") and "/" in row["name"]}
    roots = {row["digest"] for row in (*own, *(row for row in versions if row["name"] == project))}
    parents, runs = _parents(workspace.catalog), _runs(workspace.catalog)
    found = _grown(above(roots, parents), runs, parents, others - roots)
    out = [row for row in versions if row["digest"] in found]
    aliases = [row for row in names if row["digest"] in found and alias_of(row["name"]) in {v["name"] for v in out}]
    kept = [row for row in runs if row["state"] not in GOING and _belongs(row, found, project)]
    columns, known = t.run.columns.keys(), sorted(found)
    return Belongings(project, [*own, *aliases], out, known, [{name: row[name] for name in columns} for row in kept],
                      _tables(workspace, known))  # fmt: skip


def alias_of(name: str) -> str:
    """The published name that NAME is an alias of; "" where it is none."""
    owner, at, _ = name.partition("@")
    return owner if at and "/" not in name else ""


def above(digests: Iterable[str], parents: Mapping[str, list[str]]) -> set[str]:
    """DIGESTS, and all they were made from."""
    found: set[str] = set()
    left = list(digests)
    while left:
        digest = left.pop()
        if digest not in found:
            found.add(digest)
            left += parents.get(digest, ())
    return found


def _grown(found: set[str], runs: list[Row], parents: Mapping[str, list[str]], others: set[str]) -> set[str]:
    """FOUND with what RUNS have made of nothing else, except what is OTHERS'."""
    waiting = [row for row in runs if row["output"] and row["inputs"]]
    while fresh := [row for row in waiting if row["output"] not in found | others and row["inputs"] <= found]:
        found |= above((row["output"] for row in fresh), parents)
    return found


def _belongs(row: Row, found: set[str], project: str) -> bool:
    """Whether a run has made something of FOUND, or tried to make something of it alone."""
    if row["output"]:
        return row["output"] in found
    return bool(row["inputs"] and row["inputs"] <= found) or row["collects"].startswith(f"{project}/")


def _parents(catalog: Catalog) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in catalog.rows(sa.select(t.parent)):
        found.setdefault(row["child"], []).append(row["parent"])
    return found


def _runs(catalog: Catalog) -> list[Row]:
    """Every run, with the set of its `inputs` and the name under which it `collects`."""
    rows = catalog.rows(sa.select(t.run).order_by(t.run.c.id))
    for row in rows:
        task: dict[str, Any] = json.loads(row["task_json"])
        inputs: list[str] = []
        each(task.get("inputs", {}), inputs.append)
        name = task.get("settings", {}).get("name", "") if row["step"] == "collect" else ""
        row |= {"inputs": set(inputs), "collects": str(name)}
    return rows


def _tables(workspace: Workspace, digests: list[str]) -> list[str]:
    """The lake tables whose versions the datasets among DIGESTS are."""
    query = sa.select(t.artifact.c.digest).where(t.artifact.c.kind == "dataset")
    datasets = {row["digest"] for row in workspace.catalog.rows(query)} & set(digests)
    found = [table_of(workspace.open(digest).folder / "dataset.json") for digest in sorted(datasets)]
    return sorted({table for table in found if table})


def table_of(file: Any) -> str:
    """The lake table that the dataset of this dataset.json is a version of; "" where it holds its rows itself."""
    if not file.is_file():
        return ""
    told = json.loads(file.read_text(encoding="utf-8"))
    return str(told.get("table", "")) if isinstance(told, dict) else ""
