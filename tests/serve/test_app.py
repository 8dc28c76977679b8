"""Paths, health, metrics and faults of the application as a whole."""

from __future__ import annotations

import gzip
import json
import logging
import shutil
import threading
import zlib
from pathlib import Path

import pytest
from tests.serve.conftest import SAMPLE, WORD, Caller, write_model

from aimass.core.errors import InputError
from aimass.engines.base import Tensors
from aimass.serve.app import App
from aimass.serve.batch.profile import Profile
from aimass.serve.predictor import Served, Wanted, load

PATH = "/v1/predict/flights"


def test_two_models_answer_side_by_side(served: Served, folder: Path) -> None:
    other = load(Wanted(folder, "spam"))
    call = Caller(App([served, other]))
    assert call("POST", PATH, SAMPLE[0]).json["model"] == "flights@3"
    assert call("POST", "/v1/predict/spam", SAMPLE[0]).json["model"] == "spam"
    assert call("GET", "/v2/models/spam").json["versions"] == []
    assert call("GET", "/v2/models/spam/versions/1").status == 404
    assert [row["name"] for row in call("POST", "/v2/repository/index").json] == ["flights", "spam"]
    other.close()


def test_every_answer_carries_the_id_it_was_sent_or_one_of_its_own(call) -> None:
    assert call("GET", "/v2", x_request_id="trace-1").headers["x-request-id"] == "trace-1"
    own = [call("GET", "/v2").headers["x-request-id"] for _ in range(3)]
    assert len(set(own)) == 3


def test_a_path_that_does_not_exist_is_404_in_json(call) -> None:
    reply = call("GET", "/v1/helth")
    assert reply.status == 404 and "did you mean '/v1/health'" in reply.json["error"]
    assert call("GET", "/v2/health/live/").status == 200


@pytest.mark.parametrize(
    ("encoding", "packed"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
def test_a_packed_body_is_unpacked(encoding, packed, call) -> None:
    raw = json.dumps(SAMPLE[0]).encode()
    assert call("POST", PATH, packed(raw), content_encoding=encoding).json == call("POST", PATH, raw).json


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"not gzip", "gzip", 400),
        (gzip.compress(b"{}" * 99, mtime=0)[:-9], "gzip", 400),
        (b"{}", "br", 415),
        (2 * gzip.compress(json.dumps(SAMPLE[0]).encode()), "gzip", 400),
        (zlib.compress(b"{}") + b"0", "deflate", 400),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(body, encoding, status, call) -> None:
    reply = call("POST", PATH, body, content_encoding=encoding)
    assert reply.status == status and reply.json["error"]


def test_a_body_over_the_limit_is_413_also_when_it_only_unpacks_to_it(served: Served) -> None:
    call = Caller(App([served], max_body=1000))
    for body, headers in [
        (b" " * 1001, {}),
        (b"", {"content_length": "1001"}),
        (gzip.compress(b" " * 100_000, mtime=0), {"content_encoding": "gzip"}),
    ]:
        reply = call("POST", PATH, body, **headers)
        assert reply.status == 413 and "1000 bytes" in reply.json["error"]
        assert reply.json["to_do"] == "send fewer rows in a request"  # there is no option for the limit


def test_a_small_quick_request_is_answered_at_once_and_a_large_one_beside_the_event_loop(served: Served) -> None:
    threads: list[str] = []
    inner = served.predict

    def predict(tensors: Tensors) -> Tensors:
        threads.append(threading.current_thread().name)
        return inner(tensors)

    served.predict = predict
    call = Caller(App([served]))
    known(served, 1e-5)
    assert call("POST", PATH, SAMPLE[0]).status == 200
    known(served, 1e-5)
    assert call("POST", PATH, {**SAMPLE[0], WORD: "x" * 100_000}).status == 200
    assert [name.startswith("model-") for name in threads] == [False, True]


def test_metrics_count_answers_rows_and_time(call) -> None:
    call("POST", PATH, {"records": SAMPLE})
    call("POST", PATH, {})
    reply = call("GET", "/metrics")
    text = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/plain")
    for line in (
        'aimass_requests_total{model="flights",version="3",status="200"} 1',
        'aimass_requests_total{model="flights",version="3",status="400"} 1',
        'aimass_refusals_total{model="flights",version="3",reason="invalid"} 1',
        'aimass_rows_total{model="flights",version="3"} 2',
        'aimass_request_seconds_count{model="flights",version="3"} 2',
        'aimass_request_seconds_bucket{model="flights",version="3",le="+Inf"} 2',
        'aimass_model_versions{state="READY"} 1',
    ):
        assert line in text.splitlines()


def test_health_tells_the_digest_and_what_is_wrong(call, served: Served) -> None:
    assert call("GET", "/v1/health").json == {"live": True, "ready": True, "models": {"flights@3": {"digest": ""}}}
    served.around.health.append(lambda: {"trouble": "a disk"})
    assert call("GET", "/v1/health").json["models"]["flights@3"]["trouble"] == "a disk"


def test_a_fault_of_ours_is_500_with_an_id_and_a_traceback_in_the_log(call, served: Served, caplog) -> None:
    served.predict = lambda tensors: {}[0]  # type: ignore[index]
    with caplog.at_level(logging.ERROR):
        reply = call("POST", PATH, SAMPLE[0], x_request_id="r-9")
    assert (reply.status, reply.json["request"]) == (500, "r-9")
    assert "Traceback" not in reply.body.decode() and "KeyError" in caplog.text and "r-9" in caplog.text


def test_a_number_json_cannot_say_is_null_in_the_answer(call, served: Served) -> None:
    answer = served.predict

    def broken(tensors):
        outputs = dict(answer(tensors))
        outputs["probabilities"] = outputs["probabilities"] * float("nan")
        return outputs

    served.predict = broken
    assert call("POST", PATH, SAMPLE[0]).json["predictions"][0]["probabilities"] == {"no": None, "yes": None}


def test_a_long_call_is_made_beside_the_event_loop_and_gives_the_same(call, served: Served) -> None:
    short = call("POST", PATH, SAMPLE[0]).json
    known(served, 1.0)
    assert call("POST", PATH, SAMPLE[0]).json == short


def known(served: Served, seconds: float) -> None:
    """Every call so far took so long."""
    served.batcher.profile = Profile()
    served.batcher.profile.learn(1, seconds)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda f: (f / "model.onnx").unlink(), "model.onnx"),
        (lambda f: (f / "signature.json").unlink(), "signature.json"),
        (lambda f: (f / "model.onnx").write_bytes(b"junk"), "model.onnx"),
        (lambda f: (f / "signature.json").write_text("{}"), "signature.json"),
        (lambda f: (f / "sample.json").write_text("{"), "sample.json"),
        (lambda f: (f / "sample.json").write_text("[1]"), "sample.json"),
        (lambda f: (f / "sample.json").write_text('[{"size": "tall"}]'), "size"),
        (lambda f: write_more_outputs(f), "gives no odd"),
    ],
)
def test_a_folder_that_cannot_answer_is_refused_before_it_is_ready(spoil, named, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    spoil(folder)
    with pytest.raises(InputError, match=named) as caught:
        load(Wanted(folder, "flights"))
    assert caught.value.expected


def write_more_outputs(folder: Path) -> None:
    facts = json.loads((folder / "signature.json").read_text())
    facts["outputs"].append({"name": "odd", "dtype": "float32"})
    (folder / "signature.json").write_text(json.dumps(facts))


def test_a_model_without_samples_warms_up_on_a_row_of_zeros(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    (folder / "sample.json").unlink()
    served = load(Wanted(folder, "flights"))
    assert Caller(App([served]))("POST", PATH, SAMPLE[0]).status == 200
    assert Caller(App([served]))("GET", "/v1/docs").status == 200
    served.close()


def test_a_release_keeps_the_latency_its_ledger_promised(folder: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    shutil.copytree(folder, release)
    goal = [{"budget": "floor", "asked": 0.8}, {"budget": "p99_ms", "asked": 5.0}]
    (release / "ledger.json").write_text(json.dumps({"goal": goal}))
    model = load(Wanted(release, "flights"))
    model.close()
    assert model.batcher.goal == 0.005

    (release / "ledger.json").write_text("{")
    with pytest.raises(InputError, match=r"ledger\.json is damaged"):
        load(Wanted(release, "flights"))
