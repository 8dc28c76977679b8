"""Explanations at the endpoint: they add up to the answer that is served, and what goes wrong is told."""

from __future__ import annotations

import math
import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import SAMPLE, SIGNATURE, WORD, Running
from tests.serve.explaining.conftest import INPUTS, ROW, said

from aimass.prepare.background import save_background
from aimass.prepare.rows import from_records
from aimass.serve.explaining.__main__ import Models, answered
from aimass.serve.explaining.looks import EVERY, Looks


def asked(server: Running, path: str, body: Any) -> tuple[int, Any]:
    reply = said(server.port, "POST", path, body)
    return reply.status, reply.json


def processes(pid: int) -> list[int]:
    """Those that explain for the server PID."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if b"aimass.serve.explaining" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def test_attributions_of_raw_columns_add_up_to_the_answer_that_is_served(server: Running) -> None:
    body = {"records": [ROW, SAMPLE[0]], "explain": {"target": "yes", "budget_ms": 2000}}
    status, told = asked(server, "/v1/explain/flights", body)
    assert status == 200, told
    _, served = asked(server, "/v1/predict/flights", {"records": [ROW, SAMPLE[0]]})
    for explanation, prediction in zip(told["explanations"], served["predictions"], strict=True):
        yes = prediction["probabilities"]["yes"]
        parts = {entry["name"]: entry["attribution"] for entry in explanation["attributions"]}
        assert set(parts) == {"size", WORD, "seen"}
        assert explanation["prediction"] == pytest.approx(yes, abs=1e-6)
        assert explanation["base_value"] + sum(parts.values()) == pytest.approx(yes, abs=1e-3)


def test_v2_tensors_are_explained_too(server: Running) -> None:
    body = {"id": "seven", "inputs": INPUTS, "parameters": {"explain": {"target": "yes", "budget_ms": 500}}}
    status, told = asked(server, "/v2/models/flights/explain", body)
    assert status == 200 and told["id"] == "seven" and told["model_name"] == "flights", told
    _, plain = asked(server, "/v1/explain/flights", {"records": [ROW], "explain": {"target": "yes", "budget_ms": 500}})
    assert told["explanations"][0]["prediction"] == plain["explanations"][0]["prediction"]


def test_instances_are_explained_as_kserve_users_ask(server: Running) -> None:
    body = {"instances": [ROW, ROW], "explain": {"target": "yes", "budget_ms": 500}}
    status, told = asked(server, "/v1/models/flights:explain", body)
    assert status == 200 and len(told["explanations"]) == 2, told
    _, plain = asked(server, "/v1/explain/flights", {"records": [ROW], "explain": {"target": "yes", "budget_ms": 500}})
    assert told["explanations"][0]["prediction"] == plain["explanations"][0]["prediction"]


def test_one_record_is_enough(server: Running) -> None:
    status, told = asked(server, "/v1/explain/flights", ROW)
    assert status == 200 and len(told["explanations"]) == 1 and told["model"] == "flights"


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("/v1/explain/flights", {"record": {**ROW, "size": "x"}}, 400, "size"),
        ("/v1/explain/flights", {"records": [ROW], "explain": {"target": "maybe"}}, 400, "maybe"),
        ("/v1/explain/flights", {"records": [ROW], "explain": {"method": "os:system"}}, 400, "explainer"),
        ("/v1/explain/flights", {"records": [ROW], "explain": 3}, 400, "explain"),
        ("/v1/explain/flights", {"records": [ROW] * 65}, 413, "65 rows"),
        ("/v1/explain/flights", {"records": [ROW], "explain": {"budget_ms": 1e9}}, 400, "budget_ms"),
        ("/v1/explain/flights", {"records": [ROW], "explain": {"target": "\ud800", "top_k": math.nan}}, 400, "top_k"),
        (
            "/v1/explain/flights",
            {"record": {**ROW, "size": math.nan}, "explain": {"target": "\ud800"}},
            400,
            "passed on",
        ),
        ("/v1/explain/other", ROW, 404, "other"),
        ("/v1/explain/flights/versions/9", ROW, 404, "9"),
    ],
)
def test_what_cannot_be_explained_is_told(server: Running, path: str, body: Any, status: int, word: str) -> None:
    found, told = asked(server, path, body)
    assert found == status and word in told["error"], told


def test_a_process_that_ends_is_started_again(server: Running) -> None:
    assert asked(server, "/v1/explain/flights", ROW)[0] == 200
    for process in processes(server.ready["pid"]):
        os.kill(process, signal.SIGKILL)
    statuses = {asked(server, "/v1/explain/flights", ROW)[0] for _ in range(3)}
    assert 200 in statuses and statuses <= {200, 503}
    assert asked(server, "/v1/predict/flights", ROW)[0] == 200


def test_who_explains_stands_back_for_the_server_in_its_session_and_hears_no_signals_of_its_terminal(
    server: Running,
) -> None:
    """Linux asks who is modest within a session only (autogroup)."""
    assert asked(server, "/v1/explain/flights", ROW)[0] == 200
    (process,) = processes(server.ready["pid"])
    assert os.getsid(process) == os.getsid(server.ready["pid"]) and os.getpgid(process) == process
    threads = [int(thread.name) for thread in Path(f"/proc/{process}/task").iterdir()]
    modest = [thread for thread in threads if os.sched_getscheduler(thread) == os.SCHED_IDLE]
    assert process in modest and len(modest) == len(threads) - 1  # all but the one that lets the system look


def test_the_system_looks_who_should_run_as_long_as_an_explanation_is_made_and_no_longer() -> None:
    looks = Looks()

    def switches() -> int:
        told = Path(f"/proc/self/task/{looks.thread.native_id}/status").read_text()
        return int(told.rpartition("\nvoluntary_ctxt_switches:")[2].split()[0])

    with looks.working():
        before = switches()
        while switches() < before + 100:
            pass
    before = switches()
    time.sleep(100 * EVERY)
    assert switches() <= before + 2  # the sleep that had begun, and the wait


def test_the_training_rows_that_stay_with_a_model_are_its_background(tmp_path: Path, folder: Path) -> None:
    own = tmp_path / "model"
    shutil.copytree(folder, own)
    patient = {"target": "yes", "budget_ms": 20_000}
    question = {"folder": str(own), "name": "flights", "records": [ROW], "columns": None, "asked": patient}
    sample = answered(Models(), question)["found"]["explanations"][0]
    rows = from_records([{**ROW, "size": float(i)} for i in range(20)], SIGNATURE.rows)
    save_background(own, rows, SIGNATURE.rows)
    kept = answered(Models(), question)["found"]["explanations"][0]
    assert (sample["background_rows"], kept["background_rows"]) == (len(SAMPLE), 20)
    parts = {entry["name"]: entry["attribution"] for entry in kept["attributions"]}
    assert parts["size"] < 0 == parts[WORD] == parts["seen"]  # only sizes differ, and this one is small
