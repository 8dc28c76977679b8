"""Datasets page by page, and the sources they come from: named by the tasks that made them, counted by the database."""

from __future__ import annotations

import json
import re
from typing import Any

import sqlalchemy as sa

from aimass.core.errors import InputError
from aimass.core.task import each
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

COLLECT = "collect"
DIGEST = re.compile("[0-9a-f]{8,64}")
VERSIONS = 1000  # runs of a step that are looked through for the versions of one name
ROW = (t.artifact.c.digest, t.artifact.c.step, t.artifact.c.facts, t.artifact.c.size, t.artifact.c.created)


def page(
    catalog: Catalog, *, text: str = "", step: str = "", limit: int = 100, after: str | None = None
) -> tuple[list[Row], str | None, int]:
    """Datasets, newest first, the cursor of the page behind this one (None on the last), and how many there are.

    TEXT stands in the label or the settings of what made it, or, where it can be one, begins the digest; AFTER is the
    cursor that the page before gave.  Raises InputError for a cursor that is none.
    """
    a = t.artifact.c
    where = [a.kind == "dataset", *([a.step == step] if step else [])]
    if DIGEST.fullmatch(text.lower()):
        where.append(a.digest.startswith(text.lower()))
    elif text:
        said = t.run.c.label.icontains(text, autoescape=True) | t.run.c.task_json.icontains(text, autoescape=True)
        where.append(sa.exists().where(t.run.c.output == a.digest, t.run.c.state == "finished", said))
    query = sa.select(*ROW).where(*where).order_by(a.created.desc(), a.digest.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(sa.tuple_(a.created, a.digest) < sa.tuple_(*map(sa.literal, _read(after))))
    rows = catalog.rows(query)
    total = catalog.rows(sa.select(sa.func.count().label("n")).select_from(t.artifact).where(*where))[0]["n"]
    last = rows[limit - 1] if len(rows) > limit else None
    return told(catalog, rows[:limit]), f"{last['created']} {last['digest']}" if last else None, int(total)


def _read(cursor: str) -> tuple[str, str]:
    created, _, digest = cursor.partition(" ")
    if not created or len(digest) != 64:
        raise InputError("this is no place in the list", expected="`next` of the page before", key="after")
    return created, digest


def some(catalog: Catalog, digests: list[str]) -> list[Row]:
    """The datasets among DIGESTS, newest first."""
    a = t.artifact.c
    query = sa.select(*ROW).where(a.kind == "dataset", a.digest.in_(digests))
    return told(catalog, catalog.rows(query.order_by(a.created.desc(), a.digest.desc())))


def told(catalog: Catalog, rows: list[Row]) -> list[Row]:
    """ROWS with the name, the run and the uses of each; a fixed number of questions, however many they are."""
    digests = [row["digest"] for row in rows]
    made = makers(catalog, digests)
    sources = {digest for run in made.values() for digest in _inputs(run)}
    tables = {digest: run["settings"].get("name", "") for digest, run in makers(catalog, list(sources)).items()}
    used, names = _used(catalog, digests), _names(catalog, digests)
    return [
        {**row, **row["facts"], "size": row["facts"].get("bytes", None if row["step"] == COLLECT else row["size"]),
         "name": name_of(row, made.get(row["digest"]), tables), "run": made.get(row["digest"], {}).get("id"),
         "used": used.get(row["digest"], 0), "names": names.get(row["digest"], [])}
        for row in rows
    ]  # fmt: skip


def makers(catalog: Catalog, digests: list[str]) -> dict[str, Row]:
    """The newest finished run that made each of DIGESTS, with the settings and inputs of its task."""
    if not digests:
        return {}
    r = t.run.c
    newest = sa.select(sa.func.max(r.id)).where(r.output.in_(digests), r.state == "finished").group_by(r.output)
    rows = catalog.rows(sa.select(r.id, r.step, r.label, r.output, r.task_json).where(r.id.in_(newest)))
    return {row["output"]: with_task(row) for row in rows}


def with_task(run: Row) -> Row:
    """RUN with the settings and inputs of its task."""
    task = json.loads(run["task_json"])  # not a Task: a newer version may have written it
    return {**run, "settings": task["settings"], "inputs": task["inputs"]}


def _inputs(run: Row) -> list[str]:
    """Digests of what RUN took."""
    found: list[str] = []
    each(run["inputs"], found.append)
    return found


def name_of(row: Row, run: Row | None, tables: dict[str, str]) -> str:
    """What a person calls a dataset: its table in the lake, what it was saved as, or the project of its sources.

    TABLES names those of the collected datasets it may come from.
    """
    if run is None:
        return f"dataset {row['digest'][:10]}"
    if run["step"] == COLLECT:
        return str(run["settings"].get("name", ""))
    if run["label"]:
        return str(run["label"])
    projects = {tables[digest].split("/")[0] for digest in _inputs(run) if tables.get(digest)}
    return f"{' and '.join(sorted(projects))}/{run['step']}" if projects else str(run["step"])


def versions(catalog: Catalog, row: Row) -> list[Row]:
    """All datasets that are called as ROW is (one of `told`) and were made by the same step, newest first."""
    r = t.run.c
    where = [r.step == row["step"], r.state == "finished", r.output.is_not(None)]
    if row["step"] == COLLECT:
        where.append(named(catalog) == row["name"])
    recent = sa.select(sa.func.max(r.id).label("id")).where(*where).group_by(r.output)
    found = catalog.rows(sa.select(r.output).where(r.id.in_(recent)).order_by(r.id.desc()).limit(VERSIONS))
    rows = some(catalog, list({row["digest"], *(run["output"] for run in found)}))
    return [one for one in rows if one["name"] == row["name"] and one["step"] == row["step"]]


def named(catalog: Catalog) -> Any:
    """SQL: the setting `name` of a run's task."""
    json_of = sa.type_coerce if catalog.engine.dialect.name == "sqlite" else sa.cast
    return json_of(t.run.c.task_json, sa.JSON)[("settings", "name")].as_string()


def _used(catalog: Catalog, digests: list[str]) -> dict[str, int]:
    """How many artifacts were made from each."""
    query = sa.select(t.parent.c.parent, sa.func.count().label("n")).where(t.parent.c.parent.in_(digests))
    return {row["parent"]: row["n"] for row in catalog.rows(query.group_by(t.parent.c.parent))}


def _names(catalog: Catalog, digests: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    query = sa.select(t.name.c.digest, t.name.c.name).where(t.name.c.digest.in_(digests)).order_by(t.name.c.name)
    for row in catalog.rows(query):
        found.setdefault(row["digest"], []).append(row["name"])
    return found
