"""One contract, two databases: runs page by page, and long curves cut by the database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from aimass.core.errors import InputError
from aimass.core.task import Task
from aimass.store import buckets, listed
from aimass.store import tables as t
from aimass.store.catalog import Catalog

STEPS, STATES = ("train", "collect", "prepare"), ("finished", "failed", "running")


class ListedContract:
    """What every database promises."""

    @pytest.fixture
    def catalog(self, url: str) -> Iterator[Catalog]:
        catalog = Catalog(url)
        yield catalog
        catalog.engine.dispose()

    @pytest.fixture
    def many(self, catalog: Catalog) -> Catalog:
        """Thirty runs, some begun at the same moment."""
        always = {"task": "t" * 64, "task_json": "{}", "host": "here", "pid": 1}
        rows = [
            {**always, "step": STEPS[i % 3], "label": f"run_{i % 7}%", "state": STATES[i % 2 + (i > 25)],
             "started": f"2026-01-{1 + i // 3:02d}T00:00:00.000000+00:00",
             "ended": None if i > 25 else f"2026-02-{28 - i // 2:02d}T00:00:00+00:00"}
            for i in range(30)
        ]  # fmt: skip
        catalog.write(sa.insert(t.run), values=[rows])
        return catalog

    @pytest.mark.parametrize("name", listed.SORTS)
    @pytest.mark.parametrize("sign", ["", "-"])
    def test_the_pages_are_the_list_whatever_it_is_sorted_by(self, many: Catalog, name: str, sign: str) -> None:
        whole, more, total = listed.page(many, sort=sign + name)
        assert (len(whole), more, total) == (30, None, 30)
        keys = [((row[name] or listed.LATE) if name == "ended" else row[name], row["id"]) for row in whole]
        assert keys == sorted(keys, reverse=bool(sign))
        found, cursor = [], None
        for _ in range(5):
            rows, cursor, _ = listed.page(many, sort=sign + name, limit=7, after=cursor)
            found += rows
        for row in (*found, *whole):
            del row["seconds"]  # of those that run: it grows from one question to the next
        assert found == whole and cursor is None

    def test_a_run_has_what_it_reported_itself_and_the_most_memory_that_it_had(self, many: Catalog) -> None:
        for points in ([("loss", 1.0, 0.5), ("machine/cpu_percent", None, 9.0)], [("machine/run_memory_gb", None, 4.0)],
                       [("loss", 2.0, 0.25), ("machine/run_memory_gb", None, 1.5)]):  # fmt: skip
            many.add_metrics("7", points)  # type: ignore[arg-type]
        [seven] = listed.some(many, t.run.c.id == 7)
        [eight] = listed.some(many, t.run.c.id == 8)
        assert (seven["metrics"], seven["memory_gb"]) == ({"loss": 0.25}, 4.0)
        assert (eight["metrics"], eight["memory_gb"]) == ({}, None)
        assert many.latest("7") == {"loss": 0.25}
        assert set(buckets.names_of(many, 7)) == {"loss", "machine/cpu_percent", "machine/run_memory_gb"}

    def test_a_run_that_begins_between_two_pages_shifts_nothing(self, many: Catalog) -> None:
        first, cursor, _ = listed.page(many, limit=10)
        many.start_run(Task("train", 1, {}, {}))
        rest, _, total = listed.page(many, limit=100, after=cursor)
        assert (len(rest), total) == (20, 31)
        assert not {row["id"] for row in first} & {row["id"] for row in rest}

    def test_filters_go_together_and_count(self, many: Catalog) -> None:
        rows, _, total = listed.page(many, states=["failed", "running"], steps=["train"], limit=3)
        assert total == 5 and len(rows) == 3
        assert {row["step"] for row in rows} == {"train"} and {row["state"] for row in rows} <= {"failed", "running"}
        assert listed.page(many, states=["nothing"])[2] == 0

    def test_text_is_looked_for_as_it_is_written(self, many: Catalog) -> None:
        assert listed.page(many, text="RUN_3%")[2] == 4
        assert listed.page(many, text="run%3")[2] == 0
        assert [row["id"] for row in listed.page(many, text="17")[0]] == [17]
        assert listed.page(many, text="9" * 50)[2] == listed.page(many, text="²")[2] == 0

    def test_each_run_has_its_newest_figures(self, many: Catalog) -> None:
        many.add_metrics("3", [("loss", 0, 0.5), ("loss", 1, 0.25), ("auc", None, 0.9)])
        rows = {row["id"]: row["metrics"] for row in listed.page(many)[0]}
        assert rows[3] == {"auc": 0.9, "loss": 0.25} and rows[4] == {}

    def test_what_is_no_cursor_is_refused(self, many: Catalog) -> None:
        good = listed.page(many, limit=1)[1]
        for sort, bad in (
            ("-started", "x"),
            ("-started", "ü"),
            ("started", good),
            ("-started", ""),
            ("-started", "W10"),
        ):
            with pytest.raises(InputError, match="no place in the list"):
                listed.page(many, sort=sort, after=bad)
        with pytest.raises(InputError, match="no column to sort by is called 'task_json'"):
            listed.page(many, sort="task_json")

    def test_a_long_curve_keeps_its_extremes_in_every_stretch(self, catalog: Catalog) -> None:
        run, chance = catalog.start_run(Task("train", 1, {}, {})), random.Random(1)
        values = [chance.gauss(0, 1) for _ in range(3000)]
        values[1234], values[77] = 1e6, -1e6
        catalog.add_metrics(run, [("loss", float(i), v) for i, v in enumerate(values)])
        curve = buckets.cut(catalog, int(run), "loss", by="at", points=50, through=buckets.newest_point(catalog))
        assert (curve.count, curve.exact, len(curve.stretches)) == (3000, False, 50)
        edges = [min(int(i * (50 / 2999)), 49) for i in range(3000)]
        for number, (x, low, high, last) in enumerate(curve.stretches):
            mine = [i for i in range(3000) if edges[i] == number]
            assert (x, low, high) == (mine[-1], min(values[i] for i in mine), max(values[i] for i in mine))
            assert last == values[mine[-1]]

    def test_a_short_curve_is_told_point_by_point_and_up_to_a_point(self, catalog: Catalog) -> None:
        run = catalog.start_run(Task("train", 1, {}, {}))
        catalog.add_metrics(run, [("loss", float(i), i / 2) for i in range(10)])
        through = buckets.newest_point(catalog)
        catalog.add_metrics(run, [("loss", 10.0, 5.0), ("score", None, 1.0)])
        curve = buckets.cut(catalog, int(run), "loss", by="at", points=50, through=through, low=2, high=100)
        assert curve.exact and curve.stretches == [(i, i / 2, i / 2, i / 2) for i in range(2, 10)]
        assert buckets.names_of(catalog, int(run)) == {"loss": True, "score": False}
        timed = buckets.cut(catalog, int(run), "score", by="time", points=50, through=through + 9)
        assert timed.count == 1 and timed.stretches[0][0] > 1e9

    @pytest.mark.parametrize("seed", range(5))
    def test_no_spike_is_lost_wherever_positions_go(self, catalog: Catalog, seed: int) -> None:
        run, chance = catalog.start_run(Task("train", 1, {}, {})), random.Random(seed)
        points = [(chance.uniform(-5, 5), chance.gauss(0, 1)) for _ in range(300)]
        catalog.add_metrics(run, [("loss", at, value) for at, value in points])
        for low, high in ((None, None), (-1.0, None), (None, 2.0), (-1.0, 2.0)):
            mine = [v for x, v in points if (low is None or x >= low) and (high is None or x <= high)]
            curve = buckets.cut(catalog, int(run), "loss", by="at", points=20, through=300, low=low, high=high)
            assert curve.count == len(mine) and len(curve.stretches) <= 20
            assert min(s[1] for s in curve.stretches) == min(mine)
            assert max(s[2] for s in curve.stretches) == max(mine)
            assert curve.stretches == sorted(curve.stretches, key=lambda s: s[0])

    def test_a_curve_that_stands_still_is_one_stretch(self, catalog: Catalog) -> None:
        run = catalog.start_run(Task("train", 1, {}, {}))
        catalog.add_metrics(run, [("loss", 1.0, float(i)) for i in range(100)])
        curve = buckets.cut(catalog, int(run), "loss", by="at", points=10, through=buckets.newest_point(catalog))
        assert curve.stretches == [(1.0, 0.0, 99.0, 99.0)]


class TestSqlite(ListedContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'catalog.db'}"


class TestPostgres(ListedContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url


@given(st.text(max_size=80))
def test_no_text_makes_the_reader_of_cursors_stumble(text: str) -> None:
    with pytest.raises(InputError):
        listed._read(text, "-started")
