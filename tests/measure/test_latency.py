"""Latency: who is asked when, what is counted, and that failures are never timed as answers."""

import json
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from aimass.core.errors import InputError, TaskFailed
from aimass.engines.onnxruntime import OnnxRuntime
from aimass.measure import latency_endpoint
from aimass.measure.engine_worker import order, single_rows
from aimass.measure.latency_endpoint import Start, ask, endpoint, endpoint_latency, percentile, request_times
from aimass.measure.latency_engine import engine_latency, summary

ENGINE = OnnxRuntime()
ASKED = {"size": np.linspace(-1, 1, 7), "word": np.array(["é"] * 7, dtype=object)}
BODIES = [json.dumps({"records": [{"size": i}]}) for i in range(5)]


def test_two_models_take_turns_so_that_a_machine_that_slows_down_wrongs_nobody() -> None:
    assert order(2, 4) == [0, 1, 1, 0, 0, 1, 1, 0]
    assert order(1, 3) == [0, 0, 0]


def test_a_steady_slow_down_of_the_machine_leaves_the_ratio_at_one() -> None:
    turns = order(2, 20)
    clock = {0: [], 1: []}
    for moment, model in enumerate(turns):
        clock[model].append(np.full(50, 1 + moment / 10))
    found = summary([[np.array(clock[0]), np.array(clock[1])]] * 5)
    assert found.ratio.low <= 1 <= found.ratio.high
    assert found.ratio.value == pytest.approx(1, abs=0.05)


def test_rows_are_asked_one_by_one_and_text_survives_the_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", size=ASKED["size"], word=np.array(["é", "", "日本"]))
    rows = single_rows(tmp_path / "rows.npz")
    assert [row["word"].tolist() for row in rows] == [["é"], [""], ["日本"]]
    assert all(row["size"].shape == (1,) for row in rows)


def test_the_engine_call_is_timed_in_several_fresh_processes(model_of) -> None:
    stops = []
    found = engine_latency(model_of().folder, ASKED, ENGINE, calls=400, processes=2, between=lambda: stops.append(1))
    assert (found.samples, found.processes, len(stops)) == (800, 2, 2)
    assert 0 < found.p50.low <= found.p50.value <= found.p50.high <= found.p99.high
    assert found.as_json()["ratio_to_baseline"] is None


def test_against_itself_a_model_is_measured_like_any_other_baseline(model_of) -> None:
    model = model_of().folder
    found = engine_latency(model, ASKED, ENGINE, baseline=model, calls=200, processes=3)
    assert found.ratio.low <= 1 <= found.ratio.high
    assert found.ratio.n == 3 * 4 and found.samples == 600


def test_a_model_that_cannot_be_loaded_keeps_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"noise")
    with pytest.raises(InputError, match=r"model\.onnx cannot be loaded"):
        engine_latency(tmp_path, ASKED, ENGINE, calls=50, processes=1)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch):
    """Serve with a few lines of standard library instead of `aimass.serve`, with a fault of choice."""

    def use(mode: str) -> None:
        script = str(Path(__file__).parent / "stand_in_server.py")
        monkeypatch.setattr(latency_endpoint, "serving", lambda *_: [sys.executable, script, mode])

    return use


def test_every_request_of_every_client_is_counted(stand_in, tmp_path: Path) -> None:
    stand_in("good")
    found = endpoint_latency(tmp_path, BODIES, clients=3, samples=400, starts=2)
    assert (found["samples"], found["clients"], found["errors"]) == (400, 3, 0)
    assert 0 < found["p50_ms"]["low"] <= found["p50_ms"]["high"] <= found["p99_ms"]["high"]


def test_too_few_requests_give_a_p99_without_upper_bound(stand_in, tmp_path: Path) -> None:
    stand_in("good")
    found = endpoint_latency(tmp_path, BODIES, clients=2, samples=100, starts=1)
    assert found["p99_ms"]["high"] is None and "not" not in found and "100 samples" in found["p99_ms"]["reason"]


def test_more_clients_than_requests_is_no_trouble(stand_in, tmp_path: Path) -> None:
    stand_in("good")
    with endpoint(tmp_path, "m") as url:
        assert len(request_times(f"{url}/v1/predict/m", BODIES, clients=8, samples=3)) == 3


def test_the_samples_are_shared_by_several_fresh_servers(stand_in, tmp_path: Path) -> None:
    stand_in("good")
    stops: list[int] = []
    found = endpoint_latency(tmp_path, BODIES, clients=2, samples=31, starts=3, between=lambda: stops.append(1))
    assert [start["samples"] for start in found["starts"]] == [11, 10, 10] and len(stops) == 3
    assert found["samples"] == 31 and all(start["load_average"] is not None for start in found["starts"])
    assert found["p50_ms"]["low"] <= min(start["p50_ms"] for start in found["starts"])


def test_starts_that_differ_widen_the_interval_to_what_each_came_to() -> None:
    random = np.random.default_rng(0)
    lucky, unlucky = (Start(scale * random.lognormal(0, 0.1, size=700), 0.0) for scale in (1.0, 3.0))
    alone, both = percentile([lucky], 0.99), percentile([lucky, unlucky, lucky], 0.99)
    own = [percentile([start], 0.99).value for start in (lucky, unlucky)]
    assert both.low <= own[0] < own[1] <= both.high and both.n == 2100
    assert alone.high < own[1]


@pytest.mark.parametrize(("mode", "words"), [("half", "500: .*out of luck"), ("drop", "closed the connection")])
def test_a_request_that_fails_fails_the_measurement_and_says_how(stand_in, tmp_path, mode, words) -> None:
    stand_in(mode)
    with endpoint(tmp_path, "m") as url, pytest.raises(TaskFailed, match=f"requests failed.*{words}"):
        request_times(f"{url}/v1/predict/m", BODIES, clients=2, samples=100)


def test_a_server_that_dies_before_it_is_ready_keeps_its_own_words(stand_in, tmp_path: Path) -> None:
    stand_in("stumbles")
    with pytest.raises(InputError, match=r"model\.onnx is damaged"), endpoint(tmp_path, "m"):
        pass


def test_a_server_that_never_answers_is_given_up(stand_in, tmp_path: Path, monkeypatch) -> None:
    stand_in("mute")
    monkeypatch.setattr(latency_endpoint, "READY", 0.5)
    with pytest.raises(TaskFailed, match="not ready"), endpoint(tmp_path, "m"):
        pass


def test_the_server_is_gone_after_the_block(stand_in, tmp_path: Path) -> None:
    stand_in("good")
    with endpoint(tmp_path, "m") as url:
        assert ask(f"{url}/v1/predict/m", {"records": [1]}) == {"predictions": [1]}
    with pytest.raises(TaskFailed, match="did not answer"):
        ask(f"{url}/v1/predict/m", {"records": [1]})


def test_a_refused_question_keeps_the_servers_words(stand_in, tmp_path: Path) -> None:
    stand_in("half")
    with endpoint(tmp_path, "m") as url:
        urllib.request.urlopen(urllib.request.Request(f"{url}/x", b'{"records": []}'), timeout=10).close()
        with pytest.raises(TaskFailed, match=r"answered 500: .*out of luck"):
            ask(f"{url}/v1/predict/m", {"records": []})


def test_the_real_server_is_measured_like_the_stand_in(model_of, tmp_path: Path) -> None:
    records = [{"size": 0.5, "word": "é"}, {"size": -0.5, "word": ""}]
    with endpoint(model_of().folder, "m", log_to=tmp_path / "log") as url:
        labels = [p["label"] for p in ask(f"{url}/v1/predict/m", {"records": records})["predictions"]]
        taken = request_times(
            f"{url}/v1/predict/m", [json.dumps({"records": [r]}) for r in records], clients=2, samples=300
        )
    assert labels == ["yes", "no"] and len(taken) == 300 and taken.min() > 0
