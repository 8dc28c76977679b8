"""Lineage on both databases: a diamond is walked once, and what a step made of something is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass.core.task import Task
from aimass.store import lineage
from aimass.store.catalog import Catalog
from tests.store.test_catalog import manifest


class LineageContract:
    """What holds on every database."""

    @pytest.fixture
    def catalog(self, url: str) -> Iterator[Catalog]:
        catalog = Catalog(url)
        for letter, parents in {"a": "", "b": "a", "c": "a", "d": "bc", "e": "d"}.items():
            catalog.add_artifact(manifest(letter, *(parent * 64 for parent in parents)))
        yield catalog
        catalog.engine.dispose()

    def test_all_above_and_below_is_found_once_however_it_is_reached(self, catalog: Catalog) -> None:
        found = lineage.around(catalog, "b" * 64)
        assert sorted(digest[0] for digest in found.artifacts) == ["a", "b", "d", "e"]
        assert sorted(parent[0] + child[0] for parent, child in found.edges) == ["ab", "bd", "de"]
        assert len(lineage.around(catalog, "d" * 64).edges) == 5 and not found.more
        assert lineage.around(catalog, "a" * 64, most=2).more

    def test_the_newest_run_and_all_versions_of_an_artifact_are_known(self, catalog: Catalog) -> None:
        for label in ("first", "second"):
            run = catalog.start_run(Task("train", 1, {}, {}, label=label))
            catalog.end_run(run, "finished", output="d" * 64)
        catalog.add_version("flights", "d" * 64)
        known = lineage.known(catalog, ["d" * 64, "e" * 64, "0" * 64])
        assert {digest[0]: row["label"] for digest, row in known.items()} == {"d": "second", "e": ""}
        assert lineage.versions_of(catalog, list(known)) == {"d" * 64: [{"name": "flights", "number": 1}]}

    def test_what_a_step_made_of_something_comes_newest_first(self, catalog: Catalog) -> None:
        catalog.add_artifact(manifest("f", "d" * 64, created="2026-02-01T00:00:00"))
        assert [row["digest"][0] for row in lineage.made_of(catalog, "d" * 64, "train", 9)] == ["f", "e"]
        assert len(lineage.made_of(catalog, "d" * 64, "train", 1)) == 1
        assert lineage.made_of(catalog, "d" * 64, "explain", 9) == []


class TestSqlite(LineageContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'catalog.db'}"


class TestPostgres(LineageContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url
