"""The three examples, as far as rows become examples; what they reach stands in benchmarks/records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

import aimass
from aimass.project.file import load
from aimass.project.run import Run

EXAMPLES = Path(__file__).parents[2] / "examples"
FASHION = Path("/usr/share/datasets/fashion-mnist")

# What nobody knows one hour before the scheduled departure, and what names the flight or the day.
NOT_KNOWN = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
NAMES = {"year", "month", "day", "tailnum", "flight", "time_hour"}


def prepared(name: str, folder: Path, *sets: str) -> Any:
    with aimass.Workspace(folder) as place:
        Run(load(EXAMPLES / name / "aimass.toml", sets), place, print).until("prepare")
        return place.get(f"{name}/prepare", "examples")


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return prepared("flights", tmp_path_factory.mktemp("flights"))


def test_every_flight_with_an_answer_is_an_example(flights: Any) -> None:
    assert sum(flights.read_json("examples.json")["rows"].values()) == 327_346  # 336,776 less cancelled and diverted


def test_no_feature_of_a_flight_is_known_only_after_its_departure(flights: Any) -> None:
    features = {field.name for field in flights.signature.rows}
    assert not features & (NOT_KNOWN | NAMES)
    assert "recent_delay" in features  # of other flights, an hour before and earlier


def test_the_flights_that_judge_the_model_left_after_all_others(flights: Any) -> None:
    rows = flights.read_json("examples.json")
    assert "departs" in rows["dropped"]
    assert rows["rows"]["test"] == pq.read_metadata(flights.folder / "test.parquet").num_rows == 65_470


TINY = """
CREATE TABLE flights AS
SELECT 2013 AS year, 1 AS month, 1 AS day, 'EWR' AS origin, time_hour, minute, dep_delay,
       'AA' AS carrier, 'LAX' AS dest, 100 AS distance,
       1200 AS sched_dep_time, 1500 AS sched_arr_time, 'N1' AS tailnum, 20 AS arr_delay
FROM (VALUES (TIMESTAMP '2013-01-01 09:00:00', 30, 10), (TIMESTAMP '2013-01-01 10:00:00', 10, 30),
             (TIMESTAMP '2013-01-01 11:00:00', 30, 500), (TIMESTAMP '2013-01-01 12:00:00', 0, 0))
     AS scheduled(time_hour, minute, dep_delay);
CREATE TABLE weather AS
SELECT 'EWR' AS origin, TIMESTAMP '2013-01-01 10:00:00' AS time_hour, 1 AS temp, 1 AS dewp, 1 AS humid, 1 AS wind_dir,
       1 AS wind_speed, 1 AS wind_gust, 1 AS precip, 1 AS pressure, 1 AS visib;
CREATE TABLE planes AS
SELECT 'N1' AS tailnum, 2000 AS year, 'B' AS manufacturer, 'M' AS model, 2 AS engines, 100 AS seats, 'T' AS engine
"""


def test_a_flight_sees_only_departures_that_happened_an_hour_before_it() -> None:
    query = load(EXAMPLES / "flights" / "aimass.toml").tables["clean"]["transforms"][0]["query"]
    database = duckdb.connect()
    database.execute(TINY)
    last = database.execute(f"SELECT recent_delay, recent_departures FROM ({query}) ORDER BY departs DESC").fetchone()
    # The flight of 12:00 sees those that left until 11:00: at 9:40, 10 minutes late, and at 10:40, 30 minutes late.
    assert last == (20.0, 2)


@pytest.mark.skipif(not FASHION.exists(), reason="the Debian package dataset-fashion-mnist is not installed")
def test_fashion_keeps_its_own_test_part(tmp_path: Path) -> None:
    examples = prepared("fashion", tmp_path)
    assert examples.read_json("examples.json")["rows"] == {"train": 51_000, "valid": 9_000, "test": 10_000}
    assert examples.signature.classes[-1] == "Trouser" and len(examples.signature.classes) == 10


def test_spam_is_read_from_a_folder_of_messages(tmp_path: Path) -> None:
    for i in range(61):  # the last one is the first one again
        folder = tmp_path / "messages" / ("spam-1" if i % 2 else "easy-ham-1")
        folder.mkdir(parents=True, exist_ok=True)
        words, number = "win money now" if i % 2 else "see you at the meeting", i % 60
        text = f"From a@b.c\nX-Mailer: secret-{i}\nSubject: message {number} {words}\n\nDear reader, {words} {number}\n"
        message = {"id": str(i), "group": folder.name, "checksum": f"{i:032}", "text": text}
        (folder / f"{i}.json").write_text(json.dumps(message))
    examples = prepared("spam", tmp_path / "w", f"collect.path={tmp_path}/messages/*/*.json")
    assert examples.signature.classes == ("ham", "spam")
    assert sum(examples.read_json("examples.json")["rows"].values()) == 60  # no message stands on both sides
    rows = pq.read_table(examples.folder / "test.parquet").to_pylist()
    assert all(row["subject"].startswith("message ") and row["body"].startswith("Dear reader") for row in rows)
    assert not any("secret" in row["body"] for row in rows)  # headers would tell the answer here and nowhere else
