"""One contract, two databases: what the catalog promises on SQLite it promises on Postgres."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from aimass.core.artifact import Manifest
from aimass.core.errors import InputError, StoreError
from aimass.core.task import Task
from aimass.store.catalog import Catalog
from aimass.store.database import HEAD
from aimass.store.tables import metadata

TASK = Task("train", 1, {"model": {"use": "mlp"}}, {"examples": "e" * 64})


def manifest(letter: str, *parents: str, kind: str = "model", created: str = "2026-01-01T00:00:00") -> Manifest:
    digest, files = letter * 64, {"model.onnx": "0" * 64}
    return Manifest(kind, digest, files, parents, "t" * 64, "train", created, "0.1", 2**33, {"rows": 3, "name": "ü"})


class CatalogContract:
    """What every database promises."""

    @pytest.fixture
    def catalog(self, url: str) -> Iterator[Catalog]:
        catalog = Catalog(url)
        yield catalog
        catalog.engine.dispose()

    def test_a_fresh_catalog_has_exactly_the_tables_of_today(self, catalog: Catalog) -> None:
        with catalog.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
            assert context.get_current_revision() == HEAD

    def test_many_may_open_a_fresh_catalog_at_once(self, url: str) -> None:
        start = threading.Barrier(6)

        def opened(_: int) -> int:
            start.wait()
            catalog = Catalog(url)
            found = len(catalog.names())
            catalog.engine.dispose()
            return found

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(opened, range(6))) == [0] * 6

    def test_a_catalog_of_a_newer_version_is_left_alone(self, catalog: Catalog, url: str) -> None:
        catalog.write(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(StoreError, match="has revision 9999, which this aimass does not know"):
            Catalog(url)

    def test_artifacts_are_listed_newest_first_and_added_once(self, catalog: Catalog) -> None:
        catalog.add_artifact(manifest("a", kind="dataset"))
        catalog.add_artifact(manifest("b", "a" * 64, "a" * 64, "c" * 64, created="2026-01-02T00:00:00"))
        catalog.add_artifact(manifest("b", "a" * 64, "c" * 64, created="2026-01-03T00:00:00"))
        assert [row["digest"][0] for row in catalog.artifacts()] == ["b", "a"]
        assert [row["digest"][0] for row in catalog.artifacts("dataset")] == ["a"]
        assert [row["digest"][0] for row in catalog.artifacts(limit=1)] == ["b"]
        assert catalog.parents("b" * 64) == ["a" * 64, "c" * 64]
        row = catalog.artifact("a" * 64)
        assert row is not None
        assert (row["facts"], row["size"], row["step"]) == ({"rows": 3, "name": "ü"}, 2**33, "train")
        assert catalog.artifact("f" * 64) is None

    def test_a_digest_is_found_by_its_beginning(self, catalog: Catalog) -> None:
        for letter in "ab":
            catalog.add_artifact(manifest(letter))
        assert catalog.digests_starting("aaaaaa") == ["a" * 64]
        assert catalog.digests_starting("") == ["a" * 64, "b" * 64]
        assert catalog.digests_starting("cc") == []

    def test_a_run_goes_from_running_to_its_end(self, catalog: Catalog) -> None:
        run = catalog.start_run(TASK)
        row = catalog.run_row(run)
        assert (row["state"], row["ended"], row["id"], Task.from_json(row["task_json"])) == ("running", None, run, TASK)
        assert catalog.finished(TASK.digest) is None
        catalog.end_run(run, "finished", output="a" * 64)
        assert catalog.finished(TASK.digest) == "a" * 64
        catalog.start_run(TASK, "reused", "a" * 64)
        assert [row["state"] for row in catalog.runs()] == ["reused", "finished"]
        with pytest.raises(InputError, match="no run '77'"):
            catalog.run_row("77")
        with pytest.raises(InputError, match="no run 'x'"):
            catalog.run_row("x")

    def test_only_a_running_run_can_be_stopped_closed_or_buried(self, catalog: Catalog) -> None:
        done, stopped, dead = (catalog.start_run(TASK) for _ in range(3))
        catalog.end_run(done, "finished", output="a" * 64)
        for run in (done, stopped):
            catalog.stop_run(run)
        assert [catalog.run_row(run)["state"] for run in (done, stopped, dead)] == ["finished", "stopping", "running"]
        catalog.close_run(stopped, {"error": "gone"})
        catalog.close_run(done, {"error": "gone"})
        catalog.bury(TASK.digest)
        rows = [catalog.run_row(run) for run in (done, stopped, dead)]
        assert [row["state"] for row in rows] == ["finished", "failed", "failed"]
        assert [row["error"] and row["error"]["error"] for row in rows] == [None, "gone", "its process was killed"]

    def test_a_run_of_another_machine_is_not_buried(self, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
        here = catalog.start_run(TASK)
        with monkeypatch.context() as patch:
            patch.setattr("socket.gethostname", lambda: "elsewhere")
            there = catalog.start_run(TASK)
        catalog.bury(TASK.digest)
        assert [catalog.run_row(run)["state"] for run in (here, there)] == ["failed", "running"]

    def test_metrics_keep_their_order_and_the_latest_is_at_hand(self, catalog: Catalog) -> None:
        run = catalog.start_run(TASK)
        catalog.add_metrics(run, [])
        catalog.add_metrics(run, [("loss", 0, 0.5), ("loss", 1, 0.25), ("score", None, 1.0)])
        catalog.add_metrics(run, [("loss", 2, 0.125)])
        assert catalog.latest(run) == {"loss": 0.125, "score": 1.0}
        assert [(p["at"], p["value"]) for p in catalog.metrics(run, "loss")] == [(0, 0.5), (1, 0.25), (2, 0.125)]

    def test_logs_keep_their_order(self, catalog: Catalog) -> None:
        run, other = catalog.start_run(TASK), catalog.start_run(TASK)
        for text in ("one", "two\nlines", "drei: ü"):
            catalog.add_log(run, text)
        catalog.add_log(other, "elsewhere")
        assert [line["text"] for line in catalog.logs(run)] == ["one", "two\nlines", "drei: ü"]

    def test_a_name_moves(self, catalog: Catalog) -> None:
        catalog.set_name("x@champion", "a" * 64)
        catalog.set_name("x@champion", "b" * 64)
        catalog.set_name("other", "a" * 64)
        assert (catalog.find_name("x@champion"), catalog.find_name("nobody")) == ("b" * 64, None)
        assert [row["name"] for row in catalog.names()] == ["other", "x@champion"]

    def test_versions_count_up_without_a_gap_however_many_publish_at_once(self, catalog: Catalog) -> None:
        with ThreadPoolExecutor(4) as pool:
            numbers = list(pool.map(lambda i: catalog.add_version("x", f"{i:064x}"), range(12)))
        assert sorted(numbers) == list(range(1, 13))
        newest = catalog.versions("x")[-1]
        assert catalog.add_version("x", newest["digest"]) == 12
        assert catalog.add_version("y", newest["digest"]) == 1
        assert [(row["name"], row["number"]) for row in catalog.versions()][-2:] == [("x", 12), ("y", 1)]


class TestSqlite(CatalogContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'catalog.db'}"

    def test_readers_do_not_wait_for_writers(self, catalog: Catalog) -> None:
        with catalog.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30000

    @pytest.mark.parametrize(
        ("pragma", "says"),
        [("query_only=ON", "attempt to write a readonly database"), ("max_page_count=1", "database or disk is full")],
    )
    def test_a_disk_that_cannot_be_written_is_said_and_nothing_is_lost(
        self, catalog: Catalog, pragma: str, says: str
    ) -> None:
        catalog.set_name("kept", "a" * 64)
        catalog.engine.dispose()
        sa.event.listen(catalog.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))
        with pytest.raises(StoreError, match=says) as caught:
            for i in range(1000):
                catalog.set_name(f"new {i}", "b" * 64)
        assert "free space" in caught.value.expected
        assert catalog.find_name("kept") == "a" * 64

    def test_a_file_that_is_no_database_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "catalog.db").write_text("not a database " * 100)
        with pytest.raises(StoreError, match="file is not a database"):
            Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")


class TestPostgres(CatalogContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url


def test_a_database_that_cannot_be_reached_is_said_without_its_password() -> None:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    with pytest.raises(StoreError, match="cannot be used") as caught:
        Catalog("postgresql+psycopg://me:secret@127.0.0.1:1/x?connect_timeout=2")
    assert "secret" not in str(caught.value) and "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "nosuchdb://x"])
def test_what_is_no_catalog_url_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="catalog URL"):
        Catalog(url)
