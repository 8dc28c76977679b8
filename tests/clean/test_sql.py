"""Transforms: one SELECT over the sources, and nothing but the sources."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from aimass.core.artifact import Dataset
from aimass.core.errors import InputError
from tests.clean.test_contract import from_arrow, from_texts, types
from tests.collect.hand import cleaned, collected, facts, rows

SECRET = "not to be seen by any query"


@pytest.fixture
def trips(tmp_path: Path) -> dict[str, Dataset]:
    return {
        "trips": from_texts(tmp_path, "trips", at=["2024-01-01 08:00", "2024-01-01 09:30", "2024-01-02 00:00"],
                            place=["JFK", "JFK", "LGA"]),
        "weather": from_texts(tmp_path, "weather", at=["2024-01-01 07:00", "2024-01-01 09:00", "2024-01-03 00:00"],
                              place=["JFK", "JFK", "LGA"], temp=["1.5", "2.5", "3.5"]),
    }  # fmt: skip


def sql(root: Path, sources: dict[str, Dataset], *queries: str) -> Dataset:
    return cleaned(root, sources, transforms=[{"use": "sql", "query": query} for query in queries])


def refused(root: Path, sources: dict[str, Dataset], query: str) -> InputError:
    with pytest.raises(InputError) as caught:
        sql(root, sources, query)
    assert caught.value.expected
    assert SECRET not in str(caught.value)
    return caught.value


class TestTransforms:
    def test_sources_join_as_of_the_time_before(self, tmp_path: Path, trips: dict[str, Dataset]) -> None:
        dataset = sql(
            tmp_path,
            trips,
            """
            SELECT t.place, t.at, w.temp FROM trips t
            ASOF LEFT JOIN weather w ON t.place = w.place AND w.at <= t.at - INTERVAL 30 MINUTE; -- known before
        """,
        )
        assert rows(tmp_path, dataset) == [
            {"place": "JFK", "at": datetime.datetime(2024, 1, 1, 8), "temp": 1.5},
            {"place": "JFK", "at": datetime.datetime(2024, 1, 1, 9, 30), "temp": 2.5},
            {"place": "LGA", "at": datetime.datetime(2024, 1, 2), "temp": None},
        ]
        told = facts(dataset)
        assert (told["rows"], told["read"], told["accepted"], told["quarantined"]) == (3, 6, 6, 0)
        assert types(dataset) == {"place": "text", "at": "timestamp", "temp": "number"}

    def test_the_transform_before_is_previous(self, tmp_path: Path, trips: dict[str, Dataset]) -> None:
        dataset = sql(tmp_path, trips, "SELECT temp * 2 AS twice FROM weather",
                      "SELECT max(twice) AS most, (SELECT count(*) FROM trips) AS trips FROM previous")  # fmt: skip
        assert rows(tmp_path, dataset) == [{"most": 7.0, "trips": 3}]

    def test_several_sources_need_a_transform(self, tmp_path: Path, trips: dict[str, Dataset]) -> None:
        with pytest.raises(InputError, match=r"2 sources .trips, weather. and nothing that joins them"):
            cleaned(tmp_path, trips)

    @pytest.mark.parametrize("names", [["a", "A"], ["previous"], ["Previous"], ["../x"], ["a/b"], [""]])
    def test_names_of_sources_that_sql_or_disks_cannot_hold_are_refused(self, tmp_path: Path, names: list[str]) -> None:
        source = from_texts(tmp_path, x=["1"])
        with pytest.raises(InputError) as caught:
            sql(tmp_path, dict.fromkeys(names, source), "SELECT 1 AS x")
        assert caught.value.key == "sources"

    def test_every_type_of_sql_becomes_one_that_later_stages_know(self, tmp_path: Path) -> None:
        dataset = sql(
            tmp_path,
            {"s": from_texts(tmp_path, x=["1"])},
            """
            SELECT 1::TINYINT AS i, 2::HUGEINT AS h, 1.5::DECIMAL(4, 1) AS d, 0.5::FLOAT AS f, [x] AS l,
                   {'a': x} AS o, TIMESTAMPTZ '2024-01-01 08:00+02' AS z, TIMESTAMP_S '2024-01-01 08:00:00' AS t,
                   DATE '2024-01-01' AS day, INTERVAL 1 HOUR AS v, x > 0 AS b FROM s
        """,
        )
        assert rows(tmp_path, dataset) == [{
            "i": 1, "h": 2.0, "d": 1.5, "f": 0.5, "l": "[1]", "o": '{"a":1}', "z": datetime.datetime(2024, 1, 1, 6),
            "t": datetime.datetime(2024, 1, 1, 8), "day": datetime.date(2024, 1, 1), "v": "01:00:00", "b": True,
        }]  # fmt: skip
        assert types(dataset)["i"] == "integer"
        assert types(dataset)["h"] == "number"

    def test_a_cleaned_dataset_is_a_source_too(self, tmp_path: Path) -> None:
        first = cleaned(tmp_path, {"s": from_texts(tmp_path, x=["1", "2"])})
        assert rows(tmp_path, sql(tmp_path, {"s": first}, "SELECT sum(x) AS x FROM s")) == [{"x": 3.0}]

    @pytest.mark.parametrize("name", ["with space", "é😀", "a[1] 'b' *", "50% #1?", "$x"])
    def test_a_workspace_may_lie_in_any_folder(self, tmp_path: Path, name: str) -> None:
        root = tmp_path / name
        root.mkdir()
        source = from_texts(root, x=["1"])
        assert rows(root, sql(root, {"s": source}, "SELECT x FROM s")) == [{"x": 1}]


class TestMistakes:
    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("SELECT\n  place,,\nFROM trips", "LINE 2"),
            ("SELECT plcae FROM trips", "plcae"),
            ("SELECT * FROM tripz", "tripz"),
            ("SELECT 'x'::INTEGER AS i", "Could not convert"),
            ("", "not one SELECT"),
            ("-- nothing", "not one SELECT"),
            (";", "not one SELECT"),
            ("SELECT 1 AS a; SELECT 2 AS a", "not one SELECT"),
            ("SELECT * FROM trips t JOIN weather w ON t.place = w.place", "'at' appears twice"),
            ("SELECT 1 AS a, 2 AS A", "differ in case only"),
            ("SELECT * FROM trips WHERE place = 'SFO'", "left no rows"),
        ],
    )
    def test_a_query_that_cannot_run_says_where(
        self, tmp_path: Path, trips: dict[str, Dataset], query: str, words: str
    ) -> None:
        assert words in str(refused(tmp_path, trips, query))

    def test_a_semicolon_and_comments_may_follow(self, tmp_path: Path, trips: dict[str, Dataset]) -> None:
        for query in ("SELECT 'é;' AS x ; ", "/* é */ SELECT 'é;' AS x -- é;", "SELECT 'é;' AS x; /* ; */ -- ;"):
            assert rows(tmp_path, sql(tmp_path, trips, query)) == [{"x": "é;"}]


class TestHostileSql:
    @pytest.mark.parametrize(
        "query",
        [
            "SELECT * FROM read_text('{file}')",
            "SELECT * FROM read_blob('{file}')",
            "SELECT * FROM read_csv('{file}')",
            "SELECT * FROM '{file}'",
            "SELECT * FROM sniff_csv('{file}')",
            "SELECT * FROM read_parquet('{parquet}')",
            "SELECT * FROM glob('{folder}/*')",
            "SELECT * FROM read_text('https://example.com/')",
            "COPY (SELECT 1) TO '{new}'",
            "EXPORT DATABASE '{new}'",
            "ATTACH '{new}' AS x",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            "PRAGMA enable_profiling",
            "CREATE TABLE x AS SELECT 1",
            "DROP VIEW trips",
            "SELECT * FROM python_secret",
            "SELECT * FROM python_table",
            "SELECT getenv('HOME')",
            "SELECT * FROM sqlite_scan('{file}', 'x')",
            "SELECT * FROM query('COPY (SELECT 1) TO ''{new}''')",
            "EXPLAIN ANALYZE SELECT 1",
            "CALL pragma_version()",
        ],
    )
    def test_a_query_reaches_nothing_but_its_sources(
        self, tmp_path: Path, trips: dict[str, Dataset], query: str
    ) -> None:
        python_secret = pa.table({"x": [SECRET]})
        python_table = [SECRET]
        file, parquet, new = tmp_path / "secret.txt", tmp_path / "secret.parquet", tmp_path / "new"
        file.write_text(SECRET)
        pq.write_table(python_secret, parquet)
        refused(tmp_path, trips, query.format(file=file, parquet=parquet, new=new, folder=tmp_path))
        assert not new.exists()
        assert python_table

    def test_the_settings_cannot_be_changed_by_a_function(self, tmp_path: Path, trips: dict[str, Dataset]) -> None:
        query = "SELECT name, value FROM duckdb_settings() WHERE name IN ('enable_external_access', 'TimeZone')"
        found = {row["name"]: row["value"] for row in rows(tmp_path, sql(tmp_path, trips, query))}
        assert found == {"enable_external_access": "false", "TimeZone": "UTC"}


class TestSameBytes:
    def sha(self, dataset: Dataset) -> str:
        return hashlib.sha256((dataset.folder / "rows.parquet").read_bytes()).hexdigest()

    def test_the_same_rows_give_the_same_artifact(self, tmp_path: Path) -> None:
        rng, made = np.random.default_rng(0), []
        table = pa.table({"k": rng.integers(0, 50, 20_000), "v": rng.normal(size=20_000)})
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            source = from_arrow(tmp_path / name, table)
            query = "SELECT a.k, sum(a.v) AS v, avg(b.v) AS w FROM s a JOIN (FROM s LIMIT 500) b USING (k) GROUP BY a.k"
            made.append(sql(tmp_path / name, {"s": source}, query))
        assert self.sha(made[0]) == self.sha(made[1])
        assert made[0].digest == made[1].digest

    def test_no_time_path_or_scratch_file_is_in_the_artifact(self, tmp_path: Path, trips: dict[str, Dataset]) -> None:
        dataset = sql(tmp_path, trips, "FROM trips")
        names = {"rows.parquet", "quarantine.parquet", "contract.json", "dataset.json", "manifest.json"}
        assert {file.name for file in dataset.folder.iterdir()} == names
        for name in names - {"manifest.json"}:
            assert str(tmp_path).encode() not in (dataset.folder / name).read_bytes()


class TestImages:
    def pictures(self, root: Path, size: tuple[int, int], name: str = "s") -> Dataset:
        for label in ("cat", "dog"):
            (root / name / label).mkdir(parents=True)
            Image.fromarray(np.full(size, len(label), np.uint8)).save(root / name / label / "1.png")
        (root / name / "cat" / "0.png").write_bytes(b"no picture")
        return collected(root, {"use": "images", "path": f"{root}/{name}"}, name=name)

    def columns(self, dataset: Dataset) -> dict[str, Any]:
        return {column["name"]: column for column in facts(dataset)["columns"]}

    def test_images_keep_their_shape_and_bytes(self, tmp_path: Path) -> None:
        source = self.pictures(tmp_path, (4, 3))
        for dataset in (cleaned(tmp_path, {"s": source}), sql(tmp_path, {"s": source}, "SELECT image, label FROM s")):
            assert self.columns(dataset)["image"] == {"name": "image", "type": "image", "shape": [4, 3, 1]}
            assert {row["image"] for row in rows(tmp_path, dataset)} == {bytes([3]) * 12}
            assert facts(dataset)["quarantined"] == 1

    def test_images_of_two_shapes_under_one_name_are_refused(self, tmp_path: Path) -> None:
        sources = {"a": self.pictures(tmp_path, (4, 3), "a"), "b": self.pictures(tmp_path, (5, 3), "b")}
        assert "[4, 3, 1] and [5, 3, 1]" in str(refused(tmp_path, sources, "SELECT b.image FROM b"))
        assert rows(tmp_path, sql(tmp_path, sources, "SELECT label FROM b"))

    def test_wide_rows_are_fetched_few_at_a_time(self, tmp_path: Path) -> None:
        import pyarrow.dataset as ds

        from aimass.clean.sandbox import FETCH, rows_at_once

        pq.write_table(
            pa.table({"image": [bytes(range(256)) * 100] * 10}), tmp_path / "wide.parquet", use_dictionary=False
        )
        pq.write_table(pa.table({"x": range(10)}), tmp_path / "narrow.parquet")
        wide, narrow = (ds.dataset(tmp_path / f"{name}.parquet") for name in ("wide", "narrow"))
        assert rows_at_once({"s": narrow}) == FETCH
        assert 2048 <= rows_at_once({"s": wide, "t": narrow}) < 2700  # 64 MB of 25,600 bytes each
