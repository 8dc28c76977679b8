"""Sources: what runs of `collect` read from, by the name of their table, with every fetch."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row
from aimass.store.datasets import COLLECT, named, some, with_task
from aimass.store.listed import with_figures

TERMS = ("licence", "license", "policy", "terms")  # settings of a collector that say what its rows may be used for

NEWEST: list[Any] = [  # of the runs of a source
    sa.func.max(t.run.c.id).label("newest"),
    sa.func.count().label("fetches"),
    sa.func.max(sa.case((t.run.c.state == "finished", t.run.c.id))).label("good"),
]


def sources(catalog: Catalog, *, limit: int = 100, after: str = "") -> tuple[list[Row], str | None]:
    """Every source by name, with its newest fetch and the newest dataset of it; NEXT is `after` of the page behind."""
    name = named(catalog)
    columns = [name.label("name"), *NEWEST]
    query = sa.select(*columns).where(t.run.c.step == COLLECT, name > after).group_by(name)
    rows = catalog.rows(query.order_by(name).limit(limit + 1))
    more = rows[limit - 1]["name"] if len(rows) > limit else None
    return _told(catalog, rows[:limit]), more


def source(catalog: Catalog, name: str) -> Row | None:
    """The source called NAME."""
    [row] = catalog.rows(sa.select(*NEWEST).where(t.run.c.step == COLLECT, named(catalog) == name))
    return _told(catalog, [{**row, "name": name}])[0] if row["newest"] is not None else None


def settings_of(catalog: Catalog, name: str) -> Any:
    """How the source NAME was read the last time; None where it never was."""
    query = sa.select(t.run.c.id, t.run.c.task_json).where(t.run.c.step == COLLECT, named(catalog) == name)
    rows = catalog.rows(query.order_by(t.run.c.id.desc()).limit(1))
    return with_task(rows[0])["settings"].get("source") if rows else None


def _told(catalog: Catalog, rows: list[Row]) -> list[Row]:
    """ROWS with the collector, the newest fetch and the newest dataset of each."""
    ids = {id for row in rows for id in (row["newest"], row["good"]) if id is not None}
    r = t.run.c
    query = sa.select(r.id, r.state, r.started, r.ended, r.error, r.output, r.task_json).where(r.id.in_(ids))
    runs = {run["id"]: with_task(run) for run in catalog.rows(query)}
    outputs = [run["output"] for run in runs.values() if run["output"]]
    datasets = {row["digest"]: row for row in some(catalog, outputs)}
    return [_one(row, runs, datasets) for row in rows]


def _one(row: Row, runs: dict[int, Row], datasets: dict[str, Row]) -> Row:
    newest, good = runs[row["newest"]], runs.get(row["good"])
    settings = dict(newest["settings"].get("source") or {})
    dataset = datasets.get(good["output"]) if good else None
    facts: Row = dataset["facts"] if dataset else {}
    return {
        "name": row["name"], "collector": str(settings.pop("use", "")), "settings": settings, "where": where(settings),
        "terms": {key: str(settings[key]) for key in TERMS if settings.get(key)},
        "state": newest["state"], "error": newest["error"], "run": newest["id"], "fetches": row["fetches"],
        "tried": newest["started"], "fetched": good and (good["ended"] or good["started"]),
        "dataset": good and good["output"], "rows": facts.get("rows"), "malformed": facts.get("malformed"),
        "version": facts.get("version"),
    }  # fmt: skip


def where(settings: dict[str, Any]) -> str:
    """The one setting that says where a source is; passwords are never among settings."""
    return next((str(settings[key]) for key in ("path", "url", "call") if settings.get(key)), "")


def fetches(catalog: Catalog, name: str, *, limit: int = 50, before: int | None = None) -> tuple[list[Row], int | None]:
    """The runs that read the source NAME, newest first, with what its table held then; NEXT is `before` of those
    behind."""
    r = t.run.c
    columns = (r.id, r.label, r.step, r.state, r.started, r.ended, r.output, r.error, r.host, r.task_json)
    query = sa.select(*columns).where(r.step == COLLECT, named(catalog) == name).order_by(r.id.desc()).limit(limit + 1)
    found = catalog.rows(query if before is None else query.where(r.id < before))
    rows = [with_task(row) for row in found[:limit]]
    previous = {row["id"]: row["inputs"].get("previous") for row in rows}
    held = {one["digest"]: one for one in some(catalog, [d for d in (*previous.values(), *_outputs(rows)) if d])}
    told = [
        {**row, **_counts(held.get(row["output"] or ""), held.get(previous[row["id"]] or ""))}
        for row in with_figures(catalog, rows)
    ]
    return told, rows[-1]["id"] if len(found) > limit else None


def _outputs(rows: list[Row]) -> list[str]:
    return [row["output"] for row in rows if row["output"]]


def _counts(dataset: Row | None, previous: Row | None) -> Row:
    """What a fetch came to: the rows of the table, by how many they changed, its version."""
    if dataset is None:
        return {"rows": None, "change": None, "version": None, "malformed": None}
    facts = dataset["facts"]
    rows, before = facts.get("rows"), previous["facts"].get("rows") if previous else 0
    change = None if rows is None or before is None else rows - before
    return {"rows": rows, "change": change, "version": facts.get("version"), "malformed": facts.get("malformed")}
