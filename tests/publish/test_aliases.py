"""Names with their aliases on both databases, and aliases that are moved by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.store.conftest import postgres, postgres_url

from aimass.core.errors import InputError
from aimass.publish import aliases, listed
from aimass.store.catalog import Catalog

__all__ = ["postgres", "postgres_url"]
ONE, TWO, OTHER = "1" * 64, "2" * 64, "3" * 64


class AliasContract:
    """What holds on every database."""

    @pytest.fixture
    def catalog(self, url: str) -> Iterator[Catalog]:
        catalog = Catalog(url)
        for name, digest in (("flights", ONE), ("flights", TWO), ("flights-eu", OTHER)):
            catalog.add_version(name, digest)
        catalog.set_name("flights@champion", ONE)
        catalog.set_name("flights@lost", OTHER)
        yield catalog
        catalog.engine.dispose()

    def test_a_name_is_listed_with_its_own_aliases_and_the_version_in_use(self, catalog: Catalog) -> None:
        rows, more = listed.page(catalog)
        told = {row["name"]: (row["versions"], row["newest"], row["used"], row["digest"]) for row in rows}
        assert told == {"flights": (2, 2, 1, ONE), "flights-eu": (1, 1, 1, OTHER)} and more is None
        assert [(one["alias"], one["number"]) for one in rows[0]["aliases"]] == [("champion", 1), ("lost", None)]
        assert listed.page(catalog, limit=1)[1] == "flights" and listed.page(catalog, text="_") == ([], None)

    def test_an_alias_moves_where_its_mover_believed_it_to_be(self, catalog: Catalog) -> None:
        with catalog.writing() as link:
            before, after = aliases.move(catalog, link, "flights", "champion", 2, was=1)
        assert (before, after) == ({"version": 1, "digest": ONE}, {"version": 2, "digest": TWO})
        with (
            pytest.raises(aliases.Moved, match="flights@champion points to version 2 by now"),
            catalog.writing() as link,
        ):
            aliases.move(catalog, link, "flights", "champion", 1, was=1)
        with pytest.raises(aliases.Moved, match="flights@fresh does not exist by now"), catalog.writing() as link:
            aliases.remove(link, "flights", "fresh", was=1)
        assert catalog.find_name("flights@champion") == TWO

    @pytest.mark.parametrize("where", ["champion", "fresh"])
    def test_of_two_who_move_it_at_once_one_is_told_of_the_other(
        self, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        catalog.add_version("flights", OTHER)
        was, looked, both, seen = int(where == "champion"), aliases._where, threading.Barrier(2), set[int]()

        def together(*of: Any) -> aliases.Change:
            found = looked(*of)
            if threading.get_ident() not in seen:
                seen.add(threading.get_ident())
                both.wait(20)  # each has seen it where it was
            return found

        def move(number: int) -> bool:
            try:
                with catalog.writing() as link:
                    before, _ = aliases.move(catalog, link, "flights", where, number, was=was)
            except aliases.Moved:
                return False
            assert (before or {"version": 0})["version"] == was
            return True

        monkeypatch.setattr(aliases, "_where", together)
        with ThreadPoolExecutor(2) as pool:
            moved = list(pool.map(move, (2, 3)))
        assert (
            sorted(moved) == [False, True] and catalog.find_name(f"flights@{where}") == (TWO, OTHER)[moved.index(True)]
        )

    def test_who_believes_nothing_is_told_where_it_was_and_who_forgets_it_too(
        self, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked, quicker = aliases._where, [TWO]

        def late(*of: Any) -> aliases.Change:
            found = looked(*of)
            if quicker:
                catalog.set_name("flights@champion", quicker.pop())
            return found

        monkeypatch.setattr(aliases, "_where", late)
        with catalog.writing() as link:
            before, _ = aliases.move(catalog, link, "flights", "champion", 1)
        assert before == {"version": 2, "digest": TWO}
        quicker.append(TWO)
        with pytest.raises(aliases.Moved, match="points to version 2 by now"), catalog.writing() as link:
            aliases.remove(link, "flights", "champion", was=1)
        assert catalog.find_name("flights@champion") == TWO

    def test_what_is_no_version_and_no_alias_is_refused(self, catalog: Catalog) -> None:
        for name, alias, number in (("flights", "champion", 9), ("flights", "7", 1), ("Flights", "champion", 1)):
            with pytest.raises(InputError), catalog.writing() as link:
                aliases.move(catalog, link, name, alias, number)
        with catalog.writing() as link:
            assert aliases.remove(link, "flights", "fresh") is None


class TestSqlite(AliasContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'catalog.db'}"


class TestPostgres(AliasContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url
