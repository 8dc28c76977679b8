"""The catalog as somebody sees it who may see some projects only: what is made of theirs alone, and nothing of more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aimass.core.artifact import Manifest
from aimass.core.task import Task
from aimass.store import datasets, lineage, listed, origins, sources
from aimass.store import tables as t
from aimass.store.catalog import Catalog
from aimass.store.reach import Reach, Seen

A, B = Reach(projects=frozenset({"a"})), Reach(projects=frozenset({"b"}))


@pytest.fixture(params=["sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    postgres = request.param == "postgres"
    found = Catalog(request.getfixturevalue("postgres_url") if postgres else f"sqlite:///{tmp_path / 'catalog.db'}")
    yield found
    found.engine.dispose()


def made(catalog: Catalog, step: str, inputs: Any = None, name: str = "", kind: str = "dataset") -> str:
    """What a run of STEP made of INPUTS, or collected under NAME."""
    task = Task(step, 1, {"name": name} if name else {}, inputs or {}, label=f"{step} {name}")
    run = catalog.start_run(task)
    digest = task.digest
    catalog.add_artifact(Manifest(digest=digest, kind=kind, files={}, parents=task.parents, made_by=task.digest,
                                  step=step, created="2026-01-01T00:00:00", size=1, version="1", facts={}))  # fmt: skip
    catalog.add_log(run, f"log of {step} {name}")
    catalog.end_run(run, "finished", output=digest)
    return digest


@pytest.fixture
def known(catalog: Catalog) -> dict[str, str]:
    """A source of each project with what was made of it, and what was made of both."""
    found = {}
    for name in ("a", "b"):
        found[name] = made(catalog, "collect", name=f"{name}/calls")
        found[f"{name}2"] = made(catalog, "clean", {"sources": {"calls": found[name]}})
        catalog.set_name(f"{name}/clean", found[f"{name}2"])
        catalog.add_version(name, found[f"{name}2"])
    found["both"] = made(catalog, "clean", {"sources": [found["a"], found["b"]]})
    found["none"] = made(catalog, "train", kind="model")
    found["odd"] = made(catalog, "train", {"one": found["a"], "other": found["none"]}, kind="model")
    return found


def test_a_thing_is_seen_when_all_that_it_comes_from_is(catalog: Catalog, known: dict[str, str]) -> None:
    both = Reach(projects=frozenset({"a"}), sources=frozenset({"b/calls"}))
    every = {"a", "a2", "b", "b2", "both"}
    for reach, expected in ((A, {"a", "a2"}), (B, {"b", "b2"}), (both, every), (Reach(), set())):
        seen = Seen(catalog, reach)
        assert {row["digest"] for row in seen.artifacts()} == {known[name] for name in expected}
        assert {row["output"] for row in seen.runs()} == {known[name] for name in expected}
        rows, _, total = listed.page(seen)
        assert len(rows) == total == len(expected)


def test_a_source_is_not_its_project_and_a_letter_of_another_case_is_another(
    catalog: Catalog, known: dict[str, str]
) -> None:
    made(catalog, "collect", name="a/contracts")
    made(catalog, "collect", name="A/calls")
    for reach, names in ((Reach(sources=frozenset({"a/calls"})), ["a/calls"]), (A, ["a/calls", "a/contracts"]),
                         (Reach(sources=frozenset({"a"})), [])):  # fmt: skip
        rows, _ = sources.sources(Seen(catalog, reach))
        assert [row["name"] for row in rows] == names
    assert sources.source(Seen(catalog, A), "A/calls") is None


def test_lineage_uses_names_and_versions_tell_nothing_of_others(catalog: Catalog, known: dict[str, str]) -> None:
    seen = Seen(catalog, A)
    assert set(lineage.around(seen, known["a"]).artifacts) == {known["a"], known["a2"]}
    assert [row["used"] for row in datasets.some(seen, [known["a"]])] == [1]
    assert [row["used"] for row in datasets.some(catalog, [known["a"]])] == [3]
    assert [row["name"] for row in seen.names()] == ["a/clean"] and [row["name"] for row in seen.versions()] == ["a"]
    assert seen.digests_starting(known["b"][:8]) == [] and seen.artifact(known["b"]) is None
    assert {row["text"] for row in seen.rows(sa.select(t.log.c.text))} == {"log of collect a/calls", "log of clean "}


def test_a_published_name_is_seen_when_all_its_versions_are(catalog: Catalog, known: dict[str, str]) -> None:
    catalog.add_version("a", known["both"])
    assert Seen(catalog, A).versions() == []


def test_the_audit_tells_of_what_is_seen_and_of_ones_own_deeds(catalog: Catalog, known: dict[str, str]) -> None:
    runs = {row["output"]: row["id"] for row in catalog.runs()}
    catalog.add_version("A", known["b2"])
    facts = {"time": "2026", "address": "", "request": ""}
    told = [("runs.stop", runs[known["a"]]), ("runs.stop", runs[known["b"]]), ("users.create", "x"),
            ("models.alias", "a@champion"), ("models.alias", "b@champion"), ("session.begin", "ada"),
            ("endpoints.canary", "a"), ("models.alias", "A@champion"),
            ("datasets.export", known["a2"]), ("datasets.export", known["both"])]  # fmt: skip
    rows = [{**facts, "who": "eve" if subject != "ada" else "ada", "what": what, "subject": subject}
            for what, subject in told]  # fmt: skip
    catalog.write(sa.insert(t.audit), values=[rows])
    seen = Seen(catalog, Reach(projects=frozenset({"a"}), who="ada")).rows(sa.select(t.audit).order_by(t.audit.c.id))
    assert [row["id"] for row in seen] == [1, 4, 6, 7, 9]


def test_a_catalog_of_before_learns_where_everything_comes_from(tmp_path: Path, known: dict[str, str],
                                                                catalog: Catalog) -> None:  # fmt: skip
    """The revision that brings the tables fills them with what would have been kept."""
    from importlib import import_module

    revision = import_module("aimass.store.migrations.versions.r0006_sources")
    tables = (t.run_source, t.artifact_source)
    before = [sorted(map(tuple, _all(catalog, table))) for table in tables]
    with catalog.writing() as link:
        for table in (*tables, t.job_source):
            table.drop(link)
        from alembic.migration import MigrationContext
        from alembic.operations import Operations

        with Operations.context(MigrationContext.configure(link)):
            revision.upgrade()
    assert [sorted(map(tuple, _all(catalog, table))) for table in tables] == before
    assert origins.UNKNOWN in {row[1] for row in before[0]}


def _all(catalog: Catalog, table: sa.Table) -> list[Any]:
    return [row.values() for row in catalog.rows(sa.select(table))]


def test_of_thousands_of_runs_those_within_reach_are_found_by_the_database(catalog: Catalog) -> None:
    """Many runs of many projects: a page asks a fixed number of questions, and no row of others comes out."""
    facts = {"step": "train", "label": "", "task_json": "{}", "state": "finished", "host": "", "pid": 1}
    some = [{**facts, "task": str(i), "started": f"2026-01-01T00:00:00.{i:06}+00:00"} for i in range(5000)]
    catalog.write(sa.insert(t.run), values=[some])
    ids = [row["id"] for row in catalog.rows(sa.select(t.run.c.id))]
    whence = [{"run": id, "source": f"p{id % 50}/x", "project": f"p{id % 50}"} for id in ids]
    catalog.write(sa.insert(t.run_source), values=[whence])
    read = []
    sa.event.listen(catalog.engine, "before_cursor_execute", lambda *told: read.append(told[2]))
    rows, more, total = listed.page(Seen(catalog, Reach(projects=frozenset({"p7"}))), limit=20)
    assert (len(rows), total, bool(more), len(read)) == (20, 100, True, 3)
    assert {row["id"] % 50 for row in rows} == {7}
