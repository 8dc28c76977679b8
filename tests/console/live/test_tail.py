"""One contract, two databases: each row of a table that grows is read once, whenever its transaction ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from aimass.console.live import tail
from aimass.console.live.source import Source
from aimass.console.live.tail import Tail
from aimass.core.task import Task
from aimass.store import tables as t
from aimass.store.catalog import Catalog

TASK = Task("train", 1, {}, {})


def texts(tail: Tail) -> list[str]:
    return [row["text"] for row in tail.read()]


class TailContract:
    """What every database promises."""

    @pytest.fixture
    def catalog(self, url: str) -> Iterator[Catalog]:
        catalog = Catalog(url)
        catalog.start_run(TASK)
        yield catalog
        catalog.engine.dispose()

    def test_what_was_there_is_no_news_and_what_comes_is_read_once(self, catalog: Catalog) -> None:
        catalog.add_log("1", "before")
        clock = [0.0]
        lines = Tail(catalog, t.log, lambda: clock[0])
        assert texts(lines) == []
        for number in range(5):
            catalog.add_log("1", f"line {number}")
            clock[0] += 3
            assert texts(lines) == [f"line {number}"]
            assert texts(lines) == []
        assert len(lines.seen) <= 2

    def test_a_flood_is_read_whole(self, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tail, "MOST", 7)
        points = Tail(catalog, t.metric, lambda: 0.0)
        catalog.add_metrics("1", [("loss", float(i), 0.0) for i in range(50)])
        found = [row["at"] for _ in range(20) for row in points.read()]
        assert found == [float(i) for i in range(50)]

    def test_many_writers_lose_nothing_and_double_nothing(self, catalog: Catalog) -> None:
        source = Source(catalog)

        def write(number: int) -> None:
            for i in range(20):
                catalog.add_metrics("1", [("loss", float(number), float(i))])

        threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        found = []
        while len(found) < 60:
            for _, data in source.look({"run/1"}):
                found += [(at, value) for _, _, at, value, _ in data["points"]]
        for thread in threads:
            thread.join()
        assert sorted(found) == [(float(n), float(i)) for n in range(3) for i in range(20)]
        assert source.look({"run/1"}) == []

    def test_a_run_is_told_when_it_begins_reports_and_ends(self, catalog: Catalog) -> None:
        clock = [0.0]
        source = Source(catalog, lambda: clock[0])
        run = catalog.start_run(TASK)
        [(name, data)] = source.look({"runs"})
        assert (name, [row["id"] for row in data["changed"]]) == ("runs", [int(run)])
        catalog.add_metrics(run, [("loss", 0, 0.5)])
        assert source.look({"runs"}) == [], "mere figures wait for their second"
        clock[0] += 1
        assert source.look({"runs"})[0][1]["changed"][0]["metrics"] == {"loss": 0.5}
        catalog.end_run(run, "finished", output="a" * 64)
        assert [row["state"] for row in source.look({"runs"})[0][1]["changed"]] == ["finished"]
        assert source.look({"runs"}) == []
        catalog.start_run(TASK, "reused", "a" * 64)
        assert [row["state"] for row in source.look({"runs"})[0][1]["changed"]] == ["reused"]

    def test_who_watches_a_run_gets_its_points_lines_and_end_and_nothing_of_others(self, catalog: Catalog) -> None:
        run, other = catalog.start_run(TASK), catalog.start_run(TASK)
        source = Source(catalog)
        source.look({f"run/{run}"})
        for one in (run, other):
            catalog.add_metrics(one, [("loss", None, 0.5)])
            catalog.add_log(one, f"of {one}")
        catalog.end_run(run, "failed", error={"error": "no"})
        [(name, data)] = source.look({f"run/{run}"})
        assert (name, [line["text"] for line in data["lines"]]) == (f"run/{run}", [f"of {run}"])
        assert [point[1:4] for point in data["points"]] == [["loss", None, 0.5]]
        assert (data["run"]["state"], data["run"]["error"]) == ("failed", {"error": "no"})


class TestSqlite(TailContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'catalog.db'}"


class TestPostgres(TailContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url

    def test_a_transaction_that_ends_late_is_not_missed(self, catalog: Catalog) -> None:
        lines = Tail(catalog, t.log)
        with catalog.engine.connect() as slow, slow.begin():
            slow.execute(sa.insert(t.log).values(run=1, time="", text="early number, late end"))
            catalog.add_log("1", "late number, early end")
            assert texts(lines) == ["late number, early end"]
        assert texts(lines) == ["early number, late end"]
        assert texts(lines) == []

    def test_one_that_was_under_way_at_the_first_look_is_not_missed_either(self, catalog: Catalog) -> None:
        with catalog.engine.connect() as slow, slow.begin():
            slow.execute(sa.insert(t.log).values(run=1, time="", text="under way"))
            catalog.add_log("1", "there")
            lines = Tail(catalog, t.log)
        assert texts(lines) == ["under way"]
