"""The prediction log: every row once, whole lines, and a disk that fails costs no request."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import SAMPLE, SIGNATURE, WORD, Caller

from aimass.core.errors import StoreError
from aimass.core.part import resolve
from aimass.core.signature import Field
from aimass.serve.app import App
from aimass.serve.base import Surroundings
from aimass.serve.log import Entry, Lines, PredictionLog, Writer
from aimass.serve.predictor import Served, Wanted, load

PATH = "/v1/predict/flights"


def logging_model(folder: Path, log_to: Path) -> Served:
    return load(Wanted(folder, "flights", 3), log_to=log_to, wrappers=[PredictionLog()])


def logged(log_to: Path) -> list[dict[str, Any]]:
    files = sorted((log_to / "predictions" / "flights").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_each_row_is_logged_with_its_answer_id_version_and_time(folder: Path, tmp_path: Path) -> None:
    served = logging_model(folder, tmp_path)
    call = Caller(App([served]))
    reply = call("POST", PATH, {"records": SAMPLE}, x_request_id="r-1")
    served.close()
    first, second = logged(tmp_path)
    assert {name: first[name] for name in ("size", WORD, "seen")} == {
        "size": 0.5, WORD: "blau ü", "seen": "2013-01-01T05:15:00.000000",
    }  # fmt: skip
    assert (second["size"], second["seen"]) == (None, None)
    assert [(r["_request"], r["_row"], r["_model"], r["_version"]) for r in (first, second)] == [
        ("r-1", 0, "flights", "3"),
        ("r-1", 1, "flights", "3"),
    ]
    assert first["_time"] == second["_time"] and first["_time"].endswith("+00:00")
    assert [{"label": r["_label"], "probabilities": r["_probabilities"]} for r in (first, second)] == reply.json[
        "predictions"
    ]


def test_the_rows_of_a_log_can_be_asked_again(folder: Path, tmp_path: Path) -> None:
    served = logging_model(folder, tmp_path)
    first = Caller(App([served]))("POST", PATH, {"records": SAMPLE}).json["predictions"]
    served.close()
    again = [{name: row[name] for name in SAMPLE[0]} for row in logged(tmp_path)]
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
    assert (row["_request"], row[WORD], row["seen"]) == ("a-7", None, "1970-01-01T00:00:00.000000")


def test_refused_requests_and_warm_ups_are_not_in_the_log(folder: Path, tmp_path: Path) -> None:
    served = logging_model(folder, tmp_path)
    Caller(App([served]))("POST", PATH, {})
    served.close()
    assert logged(tmp_path) == []


def test_a_column_called_like_a_fact_keeps_its_name() -> None:
    odd = replace(SIGNATURE, rows=(Field("_time", "float64"), Field("__label", "float64")))
    assert Lines(Surroundings("m", "", odd)).prefix == "___"


def entry(predict: Any, served: Served) -> Entry:
    from aimass.prepare.rows import from_records

    tensors = from_records(SAMPLE, SIGNATURE.rows)
    return Entry(0.0, [("r", len(SAMPLE))], tensors, predict(tensors))


class NearlyFull:
    """A file that takes so many bytes, then has no space."""

    def __init__(self, file: Any, space: int) -> None:
        self.file, self.space = file, space

    def write(self, data: memoryview) -> int:
        if self.space == 0:
            raise OSError(28, "No space left on device")
        taken = self.file.write(data[: self.space])
        self.space -= taken
        return taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def wait_for(writer: Writer, rows: int) -> None:
    """Until so many rows are lost or the writer has nothing to do."""
    done = threading.Event()
    while not done.wait(0.005):
        with writer.changed:
            if writer.lost >= rows or (writer.waiting == 0 and not writer.entries):
                return


def test_a_disk_that_fills_up_loses_rows_never_requests_and_says_so(served: Served, tmp_path: Path) -> None:
    one = Lines(served.around).of(entry(served.predict, served))
    writer = Writer(tmp_path / "log.jsonl", Lines(served.around).of, 1 << 20)
    writer.file = full = NearlyFull(writer.file, len(one) + len(one) // 2)
    for _ in range(2):
        writer.add(entry(served.predict, served))
        wait_for(writer, 2)
    facts = writer.health()["prediction_log"]
    assert (facts["lost_rows"], facts["reason"]) == (2, "No space left on device")
    full.space = 1 << 20  # somebody made room
    writer.add(entry(served.predict, served))
    writer.close()
    assert (tmp_path / "log.jsonl").read_bytes() == one + one


def test_rows_the_disk_is_too_slow_for_are_counted(served: Served, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "log.jsonl", Lines(served.around).of, limit=1)
    writer.add(entry(served.predict, served))
    writer.close()
    assert writer.health()["prediction_log"]["lost_rows"] == 2
    assert (tmp_path / "log.jsonl").read_bytes() == b""


def test_rows_that_cannot_be_told_are_counted_and_those_behind_them_are_written(served: Served, tmp_path: Path) -> None:
    lines = Lines(served.around).of
    odd, well = replace(entry(served.predict, served), requests=[("odd", len(SAMPLE))]), entry(served.predict, served)

    def lines_of(told: Entry) -> bytes:
        return b"" + 1 if told is odd else lines(told)  # type: ignore[operator]

    writer = Writer(tmp_path / "log.jsonl", lines_of, 1 << 20)
    writer.add(odd)
    wait_for(writer, 2)
    facts = writer.health()["prediction_log"]
    assert facts["lost_rows"] == 2 and facts["reason"].startswith("TypeError: ")
    wait_for(writer, 3)
    writer.add(well)
    writer.close()
    assert writer.health()["prediction_log"]["lost_rows"] == 2
    assert (tmp_path / "log.jsonl").read_bytes() == lines(well)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_waits_for_a_log_that_has_ended_is_counted_at_the_close(served: Served, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "log.jsonl", lambda _: sys.exit(), 1 << 20)
    writer.add(entry(served.predict, served))
    writer.thread.join()
    assert writer.health()["prediction_log"]["reason"] == "the log has ended"
    writer.add(entry(served.predict, served))
    writer.close()
    assert writer.health()["prediction_log"]["lost_rows"] == 4


def test_a_log_that_is_well_says_nothing(served: Served, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "log.jsonl", Lines(served.around).of, 1 << 20)
    writer.add(entry(served.predict, served))
    writer.close()
    assert writer.health() == {} and len((tmp_path / "log.jsonl").read_text().splitlines()) == 2


def test_a_log_that_cannot_be_begun_is_an_error_at_the_start(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "predictions").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be begun") as caught:
        logging_model(folder, tmp_path)
    assert "--log-to" in caught.value.todo


def test_the_log_is_a_wrapper_known_by_name() -> None:
    assert resolve("wrapper", "prediction-log").from_settings("prediction-log").settings()["queue_mb"] == 64
