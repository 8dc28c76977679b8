"""One contract, two databases: datasets and sources, named by the tasks that made them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from aimass.core.artifact import Manifest
from aimass.core.errors import InputError
from aimass.core.task import Task
from aimass.store import datasets, sources
from aimass.store.catalog import Catalog


def digest(number: int) -> str:
    return f"{number:064x}"


def made(
    catalog: Catalog, number: int, step: str, *, label: str = "", parents: tuple[int, ...] = (), **facts: Any
) -> str:
    """The dataset NUMBER, made by STEP; of `collect` into the table flights/flights."""
    settings = {"name": "flights/flights", "source": {"use": "csv", "path": "a.csv"}} if step == "collect" else {}
    inputs: dict[str, Any] = {"previous": digest(parents[0]) if parents else None}
    if step == "clean":
        inputs = {"sources": {"flights": digest(parents[0])}}
    task = Task(step, 1, settings, inputs, label=label)
    run = catalog.start_run(task)
    created = f"2026-01-01T00:00:{number // 2:02d}.000000+00:00"  # two at the same moment
    catalog.add_artifact(Manifest("dataset", digest(number), {}, tuple(map(digest, parents)), made_by=task.digest,
                                  step=step, created=created, size=10, facts=facts))  # fmt: skip
    catalog.end_run(run, "finished", output=digest(number))
    return run


class DatasetsContract:
    """What every database promises."""

    @pytest.fixture
    def catalog(self, url: str) -> Iterator[Catalog]:
        catalog = Catalog(url)
        yield catalog
        catalog.engine.dispose()

    @pytest.fixture
    def many(self, catalog: Catalog) -> Catalog:
        """Four versions of a table, each cleaned: once under a name of its own."""
        for i in range(4):
            made(
                catalog, 2 * i, "collect", parents=(2 * i - 2,) if i else (), rows=10 * (i + 1), malformed=0, version=i
            )
            made(catalog, 2 * i + 1, "clean", label="tidy" if i == 3 else "", parents=(2 * i,), rows=9)
        return catalog

    def test_the_pages_are_the_list(self, many: Catalog) -> None:
        whole, more, total = datasets.page(many)
        assert (len(whole), more, total) == (8, None, 8)
        assert [row["digest"] for row in whole] == [digest(i) for i in reversed(range(8))], "newest first"
        found, cursor = [], None
        for _ in range(3):
            rows, cursor, _ = datasets.page(many, limit=3, after=cursor)
            found += rows
        assert found == whole and cursor is None

    def test_names_come_from_the_table_the_label_or_the_project(self, many: Catalog) -> None:
        names = {row["digest"]: row["name"] for row in datasets.page(many)[0]}
        assert [names[digest(i)] for i in (0, 1, 7)] == ["flights/flights", "flights/clean", "tidy"]
        assert [row["used"] for row in datasets.some(many, [digest(0), digest(7)])] == [0, 2]

    def test_versions_are_those_of_one_name_and_step(self, many: Catalog) -> None:
        [row] = datasets.some(many, [digest(3)])
        assert [one["digest"] for one in datasets.versions(many, row)] == [digest(5), digest(3), digest(1)]
        [row] = datasets.some(many, [digest(0)])
        assert [one["version"] for one in datasets.versions(many, row)] == [3, 2, 1, 0]

    def test_text_is_sought_in_labels_settings_and_digests(self, many: Catalog) -> None:
        for text, count in (("TIDY", 1), ("a.csv", 4), (digest(4), 1), ("0" * 12, 8), ("%", 0), ("nothing", 0)):
            assert datasets.page(many, text=text)[2] == count, text

    def test_a_source_has_its_newest_and_its_last_good_fetch(self, many: Catalog) -> None:
        task = Task(
            "collect", 1, {"name": "flights/flights", "source": {"use": "csv", "path": "b.csv"}}, {"previous": None}
        )
        bad = many.start_run(task)
        many.end_run(bad, "failed", error={"error": "gone"})
        [row], more = sources.sources(many)
        assert (row["fetches"], row["state"], row["where"], more) == (5, "failed", "b.csv", None)
        assert (row["dataset"], row["rows"], row["run"]) == (digest(6), 40, int(bad))
        fetched, more = sources.fetches(many, "flights/flights", limit=2)
        assert [(one["rows"], one["change"]) for one in fetched] == [(None, None), (40, 10)]
        older, more = sources.fetches(many, "flights/flights", before=more)
        assert [(one["version"], one["change"]) for one in older] == [(2, 10), (1, 10), (0, 10)] and more is None
        assert sources.source(many, "flights") is None

    def test_the_number_of_questions_does_not_grow_with_the_rows(self, many: Catalog) -> None:
        asked: list[str] = []
        sa.event.listen(many.engine, "before_cursor_execute", lambda *facts: asked.append(facts[2]))
        datasets.page(many, limit=1)
        few = len(asked)
        datasets.page(many)
        assert len(asked) == 2 * few


class TestSqlite(DatasetsContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'catalog.db'}"


class TestPostgres(DatasetsContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url


@given(st.text(max_size=63))
def test_no_text_makes_the_reader_of_cursors_stumble(text: str) -> None:
    with pytest.raises(InputError):
        datasets._read(text)
