"""One contract, two databases: what is kept of figures is what their history says, also of a catalog from before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from aimass.core.task import Task
from aimass.store import database, figures
from aimass.store import tables as t
from aimass.store.catalog import Catalog
from aimass.store.migrations.versions import r0005_figures

TASK = Task("train", 1, {}, {})


def plainly(points: list[tuple[str, float | None, float]], name: str) -> dict[str, object]:
    """What is to be known of the figure NAME, by reading all of its history."""
    mine = [(at, value) for one, at, value in points if one == name]
    values = [value for _, value in mine]
    least, greatest = values.index(min(values)), values.index(max(values))
    return {"value": values[-1], "at": mine[-1][0], "count": len(mine), "least": min(values),
            "least_at": mine[least][0], "greatest": max(values), "greatest_at": mine[greatest][0]}  # fmt: skip


class FiguresContract:
    """What every database promises."""

    @pytest.fixture
    def catalog(self, url: str) -> Iterator[Catalog]:
        catalog = Catalog(url)
        yield catalog
        catalog.engine.dispose()

    @pytest.mark.parametrize("seed", range(4))
    def test_what_is_kept_of_figures_is_what_their_history_says(self, catalog: Catalog, seed: int) -> None:
        chance = random.Random(seed)
        run, other = int(catalog.start_run(TASK)), int(catalog.start_run(TASK))
        points: list[tuple[str, float | None, float]] = []
        for _ in range(6):  # in as many transactions
            at = chance.choice([None, chance.uniform(-5, 5)])
            batch = [(chance.choice("ab"), at, float(chance.randint(-3, 3))) for _ in range(chance.randint(0, 7))]
            catalog.add_metrics(str(run), batch)
            points += batch
        catalog.add_metrics(str(other), [("a", 0.0, 99.0)])
        found = figures.of_runs(catalog, [run, other, 12345])
        assert found[run] == {name: plainly(points, name) for name in sorted({name for name, *_ in points})}
        assert found[other]["a"]["greatest"] == 99.0 and 12345 not in found

    def test_a_catalog_from_before_has_its_figures_summed_up(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "HEAD", r0005_figures.down_revision)
        with monkeypatch.context() as patched:
            upgrade = command.upgrade
            patched.setattr(command, "upgrade", lambda config, _: upgrade(config, r0005_figures.down_revision))
            before = database.open_database(url)
        points = [("loss", float(i), float((i * 7) % 11)) for i in range(50)] + [("score", None, 0.5)]
        rows = [{"run": 1, "name": n, "at": at, "value": v, "time": 1.0 + i} for i, (n, at, v) in enumerate(points)]
        with before.begin() as link:
            link.execute(sa.insert(t.metric), rows)
            link.exec_driver_sql("INSERT INTO latest (run, name, at, value, time) VALUES (1, 'loss', 3, 3, 3)")
        before.dispose()
        monkeypatch.undo()
        catalog = Catalog(url)
        assert figures.of_runs(catalog, [1])[1] == {name: plainly(points, name) for name in ("loss", "score")}
        catalog.add_metrics("1", [("loss", 50.0, -1.0)])
        assert figures.of_runs(catalog, [1])[1]["loss"]["least_at"] == 50.0
        catalog.engine.dispose()

    def test_a_curve_is_read_from_its_index_alone(self, catalog: Catalog) -> None:
        query = "SELECT at, value, time FROM metric WHERE run = 1 AND name = 'loss' ORDER BY id"
        if catalog.engine.dialect.name == "sqlite":
            with catalog.engine.connect() as link:
                plan = str(link.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all())
            assert "COVERING INDEX metric_by_run" in plan
        else:
            with catalog.engine.connect() as link:
                link.exec_driver_sql("SET enable_seqscan = off")
                link.exec_driver_sql("SET enable_bitmapscan = off")
                plan = str(link.exec_driver_sql(f"EXPLAIN {query}").all())
            assert "Index Only Scan using metric_by_run" in plan


class TestSqlite(FiguresContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'catalog.db'}"


class TestPostgres(FiguresContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url
