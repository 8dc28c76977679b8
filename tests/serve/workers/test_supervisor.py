"""Several processes on one port: they answer as one server, and what happens to one happens to no other."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import grpc
import numpy as np
from tests.serve.conftest import PATIENCE
from tests.serve.workers.conftest import Crew, alive, asking, crewed, warm

from aimass.serve.grpc.messages import CLASSES

SERVICE = "/inference.GRPCInferenceService"
BODY = json.dumps({"record": {"a": 1.0}}).encode()


def call(channel: grpc.Channel, method: str, **said: object) -> object:
    ask = channel.unary_unary(
        f"{SERVICE}/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=CLASSES[f"{method}Response"].FromString,
    )
    return ask(CLASSES[f"{method}Request"](**said), timeout=30)


# -- as one server ------------------------------------------------------------------------------------------------


def test_all_workers_answer_on_the_one_port_that_was_picked(crew: Crew) -> None:
    assert crew.ready["ready"] and crew.ready["pid"] == crew.process.pid and crew.port
    pids = {worker["pid"] for worker in crew.workers()}
    assert len(pids) == 2 and crew.process.pid not in pids
    before, stats = crew.requests(), crew.ask("GET", "/v2/models/m/stats")["model_stats"][0]["inference_stats"]
    served = [crew.version() for _ in range(60)]
    assert set(served) == {3} and crew.counts_up_to(before + 60)
    told = crew.ask("GET", "/v2/models/m/stats")["model_stats"][0]["inference_stats"]
    assert told["success"]["count"] == stats["success"]["count"] + 60


def test_a_change_through_any_worker_is_a_change_of_all(crew: Crew) -> None:
    for path, body, version in (
        ("/v2/repository/models/m/load", {"parameters": {"version": "2"}}, 2),
        ("/v1/deployments/m/rollback", {}, 3),
        ("/v1/deployments/m/serve", {"version": "1"}, 1),
        ("/v1/deployments/m/rollback", {}, 3),
    ):
        crew.ask("POST", path, body)
        assert {crew.version() for _ in range(100)} == {version}
    told = crew.ask("POST", "/v1/deployments/m/canary", {"version": "1", "share": 0.5})
    assert told["shares"] == {"3": 0.5, "1": 0.5} and told["on_trial"]
    assert {crew.version() for _ in range(100)} == {1, 3}
    crew.ask("POST", "/v1/deployments/m/rollback", {})
    assert {crew.version() for _ in range(50)} == {3}
    generations = [worker["generation"] for worker in crew.workers()]
    assert generations == [crew.ask("GET", "/v1/health")["generation"]] * 2
    told = crew.ask("GET", "/v1/deployments/m")
    assert [event["why"] for event in told["events"] if event["event"] == "plan"][-2:] == ["canary", "rollback"]


def test_a_version_that_cannot_answer_is_refused_by_all(crew: Crew, shelf: Path) -> None:
    (shelf / "m" / "9").mkdir()
    (shelf / "m" / "9" / "model.onnx").write_bytes(b"no model")
    try:
        connection = http.client.HTTPConnection("127.0.0.1", crew.port, timeout=60)
        connection.request("POST", "/v1/deployments/m/serve", '{"version": "9"}')
        answer = connection.getresponse()
        assert answer.status == 400 and "m@9 cannot be served" in json.loads(answer.read())["error"]
        told = crew.ask("GET", "/v1/deployments/m")
        reasons = {entry["version"]: entry["reason"] for entry in told["versions"]}
        assert "signature.json" in reasons["9"] and told["events"][-1]["event"] == "refused"
        assert {crew.version() for _ in range(20)} == {3}
    finally:
        (shelf / "m" / "9" / "model.onnx").unlink()
        (shelf / "m" / "9").rmdir()


def test_grpc_reaches_all_workers_and_speaks_for_all(crew: Crew) -> None:
    before = crew.requests()
    for i in range(20):
        with grpc.insecure_channel(f"127.0.0.1:{crew.port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
            told = call(
                channel, "ModelInfer", model_name="m", inputs=[{"name": "a", "datatype": "FP64", "shape": [1]}],
                raw_input_contents=[np.array([float(i)]).tobytes()],
            )  # fmt: skip
            assert np.frombuffer(told.raw_output_contents[0]) == 3000.0 + i  # type: ignore[attr-defined]
    with grpc.insecure_channel(f"127.0.0.1:{crew.port}") as channel:
        told = call(channel, "ModelStatistics", name="m")
        assert told.model_stats[0].inference_stats.success.count == before + 20  # type: ignore[attr-defined]
        call(channel, "RepositoryModelLoad", model_name="m",
             parameters={"version": {"string_param": "2"}})  # fmt: skip
        assert {crew.version() for _ in range(40)} == {2}
        call(channel, "RepositoryModelLoad", model_name="m")
        assert {crew.version() for _ in range(40)} == {3}


def test_parameters_are_those_of_all_workers(crew: Crew) -> None:
    crew.ask("PATCH", "/v1/parameters", {"models/m/call_rows": 7, "server/idle_seconds": 33})
    for _ in range(10):  # whoever is asked
        told = crew.ask("GET", "/v1/parameters")
        values = {row["name"]: row["value"] for row in told["parameters"]}
        assert (values["models/m/call_rows"], values["server/idle_seconds"]) == (7, 33)
    told = crew.ask("POST", "/v1/parameters/undo", {})
    values = {row["name"]: row["value"] for row in told["parameters"]}
    assert (values["models/m/call_rows"], values["server/idle_seconds"]) == (1024, 75)


# -- when one dies ------------------------------------------------------------------------------------------------


def test_a_killed_worker_is_followed_by_another_and_only_its_own_connections_end(crew: Crew) -> None:
    crew.ask("POST", "/v1/deployments/m/serve", {"version": "2"})
    with asking(crew.port) as callers:
        before, counted, waits = crew.workers(), crew.requests(), crew.waiting()
        os.kill(before[1]["pid"], signal.SIGKILL)
        now = crew.back(before, 1)
        warm(callers)
    assert now[1]["pid"] == waits  # it had been started ahead
    assert now[0]["pid"] == before[0]["pid"] and now[1]["restarts"] == before[1]["restarts"] + 1
    assert "SIGKILL" in now[1]["why"]
    assert [caller.wrong for caller in callers] == [[]] * len(callers)
    assert all(len(caller.broken) <= 1 for caller in callers)
    total = crew.requests()  # what the dead one had not told is not known, and nothing is counted twice
    assert counted <= total <= counted + sum(caller.answered for caller in callers)
    assert [crew.version() for _ in range(40)] == [
        2
    ] * 40  # the new one serves what was decided, not what it began with
    assert crew.counts_up_to(total + 40)
    assert crew.until(lambda now: now[0]["generation"] == now[1]["generation"])
    crew.ask("POST", "/v1/deployments/m/serve", {"version": "3"})


def test_connections_that_wait_where_a_worker_died_are_answered_by_its_successor(crew: Crew) -> None:
    before = [worker["pid"] for worker in crew.workers()]
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    waiting = [socket.create_connection(("127.0.0.1", crew.port), timeout=PATIENCE) for _ in range(24)]
    for one in waiting:
        one.sendall(b"POST /v1/predict/m HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert all(one.recv(1 << 16).startswith(b"HTTP/1.1 200") for one in waiting)
    for one in waiting:
        one.close()
    crew.until(lambda now: {worker["state"] for worker in now} == {"ready"})


def test_workers_are_replaced_one_by_one_under_load_and_no_request_is_lost(crew: Crew) -> None:
    before, counted, waits = crew.workers(), crew.requests(), crew.waiting()
    with asking(crew.port) as callers:
        crew.process.send_signal(signal.SIGHUP)
        assert crew.back(before, 0)[0]["pid"] != waits and not alive(waits)  # it had imported what was there before
        crew.back(before, 1)
        warm(callers)
    assert [caller.wrong + caller.broken for caller in callers] == [[]] * len(callers)
    assert crew.counts_up_to(counted + sum(caller.answered for caller in callers))


def test_a_worker_that_hangs_is_ended_and_followed(shelf: Path) -> None:
    with crewed(shelf, "--worker-silent-seconds", "2") as crew:
        before = crew.workers()
        os.kill(before[0]["pid"], signal.SIGSTOP)
        assert "said nothing for 2 s" in crew.back(before, 0)[0]["why"]
        assert {crew.version() for _ in range(20)} == {3} and not alive(before[0]["pid"])


def test_a_worker_that_fails_too_often_stays_away_until_it_is_told_to_come_back(shelf: Path) -> None:
    with crewed(shelf, "--worker-failures", "2") as crew:
        before = crew.workers()
        os.kill(before[1]["pid"], signal.SIGKILL)
        again = crew.back(before, 1)
        os.kill(again[1]["pid"], signal.SIGKILL)
        found = crew.until(lambda now: now[1]["state"] == "quarantined")
        assert "SIGKILL" in found[1]["why"]
        assert {crew.version() for _ in range(40)} == {3}  # a neighbour answers on its sockets, too
        crew.process.send_signal(signal.SIGHUP)
        crew.until(lambda now: {worker["state"] for worker in now} == {"ready"})
        code, said = crew.end()
    assert code == 0 and "worker 1 is in quarantine: 2 failures" in said


def test_a_worker_that_holds_too_much_is_replaced_and_what_it_was_asked_is_answered(shelf: Path) -> None:
    size, least = 24 << 20, 80
    head = b"POST /v1/predict/m HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % size
    with crewed(shelf, "--worker-memory-mb", str(least + 40)) as crew:
        before = crew.workers()
        assert all(worker["memory_mb"] < least for worker in before)
        asking = []
        for _ in range(9):  # all but a byte: one worker at least holds five of them, unless it is replaced before
            asking.append(socket.create_connection(("127.0.0.1", crew.port), timeout=PATIENCE))
            asking[-1].sendall(head + BODY + b" " * (size - len(BODY) - 1))
        crew.until(lambda now: any(one["pid"] != other["pid"] for one, other in zip(now, before, strict=True)))
        for one in asking:
            one.sendall(b" ")
            assert one.recv(1 << 16).startswith(b"HTTP/1.1 200")
            one.close()
        code, said = crew.end()
    assert (code, said) == (0, "")


# -- the end ------------------------------------------------------------------------------------------------------


def test_a_stop_under_load_loses_no_request_and_leaves_no_process(shelf: Path) -> None:
    with crewed(shelf, "--log-to", str(shelf / "logs"), "--log", "seconds=0.2") as crew:
        pids = crew.processes()
        with asking(crew.port, fresh=0) as callers:
            crew.process.send_signal(signal.SIGTERM)
            for caller in callers:
                caller.join(PATIENCE)
        assert crew.process.wait(PATIENCE) == 0
        assert crew.process.stderr is not None and crew.process.stderr.read() == ""
    assert [caller.wrong + caller.broken for caller in callers] == [[]] * len(callers)
    assert not any(alive(pid) for pid in pids)


def test_workers_end_with_their_supervisor_whatever_happens_to_it(shelf: Path) -> None:
    with crewed(shelf) as crew:
        pids = crew.processes()
        assert len(pids) == 3  # two that answer, and one that waits for a place
        crew.process.kill()
        until = time.monotonic() + PATIENCE
        while any(alive(pid) for pid in pids):
            assert time.monotonic() < until
            time.sleep(0.02)


def test_where_no_worker_can_begin_the_reason_is_told_once_and_the_exit_code_is_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aimass.serve", str(tmp_path), "--name", "m", "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.strip().splitlines()
    assert "model.onnx" in json.loads(line)["error"]


def test_a_port_that_another_server_shares_is_taken(crew: Crew, shelf: Path) -> None:
    command = [sys.executable, "-m", "aimass.serve", "--repository", str(shelf), "--workers", "2"]
    done = subprocess.run([*command, "--port", str(crew.port)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2 and "is taken" in json.loads(done.stderr.strip().splitlines()[-1])["error"]
