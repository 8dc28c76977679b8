"""The prediction log: every row once, with its types, and a table that fails costs no request."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.serve.conftest import SAMPLE, SIGNATURE, WORD, Caller

from aimass.core.errors import InputError, StoreError
from aimass.core.part import resolve
from aimass.core.signature import Field, Signature
from aimass.prepare.rows import from_records
from aimass.serve.app import App
from aimass.serve.log import Entry, PredictionLog, Writer
from aimass.serve.logged import FACTS, TYPES, Columns, prefix_of
from aimass.serve.observe.sampling import sampled
from aimass.serve.predictor import Served, Wanted, load
from aimass.store.appended import numbers, opened, rows_of

PATH = "/v1/predict/flights"
NAMES = list(SAMPLE[0])


def logging_model(folder: Path, log_to: Path, **settings: Any) -> Served:
    return load(Wanted(folder, "flights", 3), log_to=log_to, wrappers=[PredictionLog(**settings)])


def table(log_to: Path) -> pa.Table:
    return rows_of(opened(log_to / "predictions" / "flights" / "1")).to_table()


def logged(log_to: Path) -> list[dict[str, Any]]:
    return table(log_to).to_pylist()


# -- what is in it -------------------------------------------------------------------------------------------------


def test_each_row_is_logged_with_its_answer_id_version_and_time(folder: Path, tmp_path: Path) -> None:
    served = logging_model(folder, tmp_path)
    before = datetime.now(UTC)
    reply = Caller(App([served]))("POST", PATH, {"records": SAMPLE}, x_request_id="r-1")
    served.close()
    first, second = logged(tmp_path)
    assert {name: first[name] for name in NAMES} == {
        "size": 0.5, WORD: "blau ü", "seen": datetime(2013, 1, 1, 5, 15, tzinfo=UTC),
    }  # fmt: skip
    assert (second["size"], second["seen"]) == (None, None)
    names = ("_request", "_row", "_model", "_version", "_given", "_weight")
    assert [first[name] for name in names] == ["r-1", 0, "flights", "3", True, 1.0]
    assert [second[name] for name in names] == ["r-1", 1, "flights", "3", True, 1.0]
    assert before <= first["_time"] == second["_time"] <= datetime.now(UTC) and first["_batch"] == second["_batch"]
    told = [(p["label"], [*p["probabilities"].values()]) for p in reply.json["predictions"]]
    assert [(r["_label"], pytest.approx(r["_probabilities"])) for r in (first, second)] == told


def test_columns_have_the_types_of_the_signature(folder: Path, tmp_path: Path) -> None:
    served = logging_model(folder, tmp_path)
    Caller(App([served]))("POST", PATH, {"records": SAMPLE})
    served.close()
    kinds = {field.name: field.type for field in table(tmp_path).schema}
    assert kinds == {
        **{f"_{name}": kind for name, kind in FACTS.items()}, "size": pa.float64(), WORD: pa.string(),
        "seen": pa.timestamp("us", "UTC"), "_label": pa.string(), "_probabilities": pa.list_(pa.float32()),
    }  # fmt: skip
    protocol = opened(tmp_path / "predictions" / "flights" / "1").protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)


def test_the_rows_of_a_log_can_be_asked_again(folder: Path, tmp_path: Path) -> None:
    served = logging_model(folder, tmp_path)
    first = Caller(App([served]))("POST", PATH, {"records": SAMPLE}).json["predictions"]
    served.close()
    again = [{**{name: row[name] for name in NAMES}, "seen": row["seen"] and row["seen"].isoformat()}
             for row in logged(tmp_path)]  # fmt: skip
    served = load(Wanted(folder, "flights", 3))
    assert Caller(App([served]))("POST", PATH, {"records": again}).json["predictions"] == first
    served.close()


def test_v2_requests_are_logged_under_their_own_id(folder: Path, tmp_path: Path) -> None:
    served = logging_model(folder, tmp_path)
    tensors = [
        {"name": "size", "shape": [1], "datatype": "FP64", "data": [1]},
        {"name": WORD, "shape": [1], "datatype": "BYTES", "data": [""]},
        {"name": "seen", "shape": [1], "datatype": "INT64", "data": [0]},
    ]
    Caller(App([served]))("POST", "/v2/models/flights/infer", {"id": "a-7", "inputs": tensors})
    served.close()
    (row,) = logged(tmp_path)
    assert (row["_request"], row[WORD], row["seen"]) == ("a-7", None, datetime(1970, 1, 1, tzinfo=UTC))


def test_refused_requests_and_warm_ups_are_not_in_the_log(folder: Path, tmp_path: Path) -> None:
    served = logging_model(folder, tmp_path)
    Caller(App([served]))("POST", PATH, {})
    served.close()
    assert numbers(tmp_path / "predictions" / "flights") == []


def test_of_requests_a_share_is_logged_and_each_row_says_for_how_many_it_stands(folder: Path, tmp_path: Path) -> None:
    served = logging_model(folder, tmp_path, sample=0.25)
    call = Caller(App([served]))
    for i in range(40):
        call("POST", PATH, {"records": SAMPLE}, x_request_id=f"r-{i}")
    served.close()
    rows = logged(tmp_path)
    wanted = [f"r-{i}" for i in range(40) if sampled(f"r-{i}", 0.25)]
    assert 0 < len(wanted) < 40
    assert [(r["_request"], r["_row"]) for r in rows] == [(id, row) for id in wanted for row in range(2)]
    assert {r["_weight"] for r in rows} == {4.0}


def test_a_version_with_other_columns_adds_them_and_one_with_other_types_begins_a_table(tmp_path: Path) -> None:
    folder = tmp_path / "log"

    def write(signature: Signature, version: str, value: Any) -> None:
        columns = Columns(signature, "m", version)
        from aimass.store.appended import Appended

        Appended(folder, columns.schema).append(columns.of([Entry(0.0, "b", [("r", 1, True)], value, OUT)]))

    out = (Field("value", "float32"),)
    OUT = {"value": np.array([1.5], np.float32)}
    number, text = np.array([2.0]), np.array(["x"], object)
    one = Signature("regression", "y", (Field("a", "float64"),), (), out)
    write(one, "1", {"a": number})
    write(replace(one, rows=(*one.rows, Field("b", "string"))), "2", {"a": number, "b": text})
    write(replace(one, rows=(Field("a", "string"),)), "3", {"a": text})
    first, second = (rows_of(opened(folder / n)).to_table().sort_by("_version").to_pylist() for n in "12")
    assert [(r["_version"], r["a"], r["b"]) for r in first] == [("1", 2.0, None), ("2", 2.0, "x")]
    assert [(r["_version"], r["a"]) for r in second] == [("3", "x")]


def test_a_column_called_like_a_fact_keeps_its_name() -> None:
    odd = replace(SIGNATURE, rows=(Field("_Time", "float64"), Field("__label", "float64")))
    assert prefix_of(odd) == "___"


@pytest.mark.parametrize("dtype", sorted(TYPES))
def test_every_type_of_a_signature_comes_back_as_it_went_in(dtype: str, tmp_path: Path) -> None:
    values = ["a", "b"] if dtype == "string" else [0, 1] if dtype == "bool" else [1, 100]
    one = np.array(values, object if dtype == "string" else dtype)
    rows = (Field("one", dtype), Field("many", dtype, (2,)))
    columns = Columns(Signature("regression", "y", rows, (), (Field("value", "float32"),)), "m", "1")
    entry = Entry(0.0, "b", [("r", 2, True)], {"one": one, "many": np.stack([one, one])}, {"value": np.ones(2, "f")})
    from aimass.store.appended import Appended

    place = Appended(tmp_path, columns.schema).append(columns.of([entry]))
    told = rows_of(opened(place)).to_table()
    assert told["one"].to_pylist() == one.tolist() and told["many"].to_pylist() == [one.tolist()] * 2


def test_rows_of_different_sizes_and_missing_numbers_are_kept() -> None:
    rows = (Field("wave", "float32", (-1,)), Field("picture", "uint8", (1, 2, 3), kind="image"))
    columns = Columns(Signature("regression", "y", rows, (), (Field("value", "float64"),)), "m", "1")
    entries = [
        Entry(0.0, "b", [("r", 1, True)],
              {"wave": np.ones((1, n), "f"), "picture": np.full((1, 1, 2, 3), n, np.uint8)},
              {"value": np.array([math.nan])})
        for n in (2, 3)
    ]  # fmt: skip
    told = columns.of(entries)
    assert told["wave"].to_pylist() == [[1, 1], [1, 1, 1]]
    assert told["picture"].to_pylist() == [b"\2" * 6, b"\3" * 6]
    assert told.schema.field("picture").metadata == {b"shape": b"[1, 2, 3]"}
    assert told["_value"].to_pylist() == [None, None]


# -- the thread ----------------------------------------------------------------------------------------------------


class Kept:
    """A target in memory that can be out of order."""

    def __init__(self) -> None:
        self.appended: list[list[Entry]] = []
        self.broken = threading.Event()
        self.tried = threading.Semaphore(0)

    def made(self, entries: Sequence[Entry]) -> list[Entry]:
        if any(entry.batch == "odd" for entry in entries):
            raise TypeError("this is odd")
        return list(entries)

    def append(self, made: list[Entry]) -> None:
        self.tried.release()
        if self.broken.is_set():
            raise StoreError("No space left on device")
        self.appended.append(made)


def entry(batch: str = "b") -> Entry:
    tensors = dict(from_records(SAMPLE, SIGNATURE.rows))
    return Entry(0.0, batch, [("r", len(SAMPLE), True)], tensors, {"label": np.array(["no", "yes"], object)})


def writer(kept: Kept, **settings: Any) -> Writer:
    return Writer(Path("m"), lambda: kept, PredictionLog(**{"seconds": 0.01, **settings}))


def test_rows_are_appended_when_there_are_enough_of_them() -> None:
    kept = Kept()
    made = writer(kept, seconds=3600, rows=4)
    for _ in range(4):
        made.add(entry())
    assert kept.tried.acquire(timeout=30)
    made.close()
    assert sum(len(together) for together in kept.appended) == 4 and len(kept.appended) <= 2


def test_a_table_that_fails_keeps_rows_waiting_and_says_so_until_it_works() -> None:
    kept = Kept()
    kept.broken.set()
    made = writer(kept)
    made.add(entry())
    for _ in range(2):
        assert kept.tried.acquire(timeout=30)  # it is tried again
    facts = made.health()["prediction_log"]
    assert (facts["lost_rows"], facts["waiting_rows"], facts["reason"]) == (0, 2, "No space left on device")
    kept.broken.clear()  # somebody made room
    made.add(entry())
    made.close()
    assert made.health() == {} and sum(len(together) for together in kept.appended) == 2


def test_rows_the_disk_is_too_slow_for_are_counted() -> None:
    kept = Kept()
    made = writer(kept)
    made.limit = 1
    made.add(entry())
    made.close()
    facts = made.health()["prediction_log"]
    assert (facts["lost_rows"], facts["reason"], kept.appended) == (2, "the disk is slower than the requests", [])


def test_rows_that_cannot_be_told_are_counted_and_those_beside_them_are_written(caplog: Any) -> None:
    kept = Kept()
    made = writer(kept, seconds=0.2)
    for batch in ("b", "odd", "c"):
        made.add(entry(batch))
    made.close()
    facts = made.health()["prediction_log"]
    assert (facts["lost_rows"], facts["waiting_rows"]) == (2, 0)
    assert [e.batch for together in kept.appended for e in together] == ["b", "c"] and "this is odd" in caplog.text


def test_what_cannot_be_written_at_the_end_is_lost_and_said(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    kept.broken.set()
    made = writer(kept)
    made.add(entry())
    with caplog.at_level(logging.WARNING):
        made.close()
    assert made.health()["prediction_log"]["lost_rows"] == 2
    assert "2 rows are not in the prediction log m: No space left on device" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_waits_for_a_log_that_has_ended_is_counted_at_the_close() -> None:
    made = Writer(Path("m"), lambda: sys.exit(), PredictionLog(seconds=0.01))
    made.add(entry())
    made.thread.join()
    assert made.health()["prediction_log"]["reason"] == "the log has ended"
    made.close()
    made.add(entry())
    assert made.health()["prediction_log"]["lost_rows"] == 4


def test_a_table_that_is_damaged_fails_no_request(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "predictions" / "flights" / "1" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("{this is no table")
    served = logging_model(folder, tmp_path, seconds=0.01)
    call = Caller(App([served]))
    assert call("POST", PATH, SAMPLE[0]).status == 200
    until(lambda: "prediction_log" in served.health())
    facts = served.health()["prediction_log"]
    assert facts["waiting_rows"] == 1 and "cannot be written" in facts["reason"]
    assert call("POST", PATH, SAMPLE[0]).status == 200
    served.close()
    assert served.health()["prediction_log"]["lost_rows"] == 2


def until(over: Callable[[], bool]) -> None:
    while not over():
        time.sleep(0.01)


def test_a_log_that_cannot_be_begun_is_an_error_at_the_start(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "predictions").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be begun") as caught:
        logging_model(folder, tmp_path)
    assert "--log-to" in caught.value.todo


def test_the_log_is_a_wrapper_known_by_name_whose_settings_are_checked() -> None:
    assert resolve("wrapper", "prediction-log").from_settings("prediction-log").settings()["sample"] == 1.0
    with pytest.raises(InputError, match="sample must lie in"):
        resolve("wrapper", "prediction-log").from_settings({"use": "prediction-log", "sample": 2})
