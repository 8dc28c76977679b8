"""The real server: sockets, signals, ports, and the end."""

from __future__ import annotations

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import SAMPLE, Running

from aimass.core.errors import InputError
from aimass.serve.predictor import Wanted
from aimass.serve.server import serve
from aimass.serve.sockets import bind
from aimass.store.appended import opened, rows_of

PATH = "/v1/predict/flights"
BODY = json.dumps({"records": SAMPLE}).encode()


def ask(port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        assert answer.getheader("content-length") is not None
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_the_ready_line_says_where_it_answers(server: Running) -> None:
    assert server.ready["ready"] is True and server.ready["pid"] == server.process.pid
    assert server.ready["url"] == f"http://127.0.0.1:{server.port}"
    assert ask(server.port, "GET", "/v2/health/ready") == (200, {"ready": True})


def test_a_record_is_answered_also_in_pieces(server: Running) -> None:
    whole = ask(server.port, "POST", PATH, BODY)
    assert whole[0] == 200 and len(whole[1]["predictions"]) == 2
    assert ask(server.port, "POST", PATH, iter([BODY[:9], BODY[9:]])) == whole


def test_one_connection_serves_many_requests_and_outlives_refused_ones(server: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    statuses = []
    for body in (BODY, b"{", BODY, b"[]", BODY):
        connection.request("POST", PATH, body)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    assert statuses == [200, 400, 200, 400, 200]


def test_head_has_the_length_and_no_body(server: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("HEAD", "/v2/health/live")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"") and int(answer.getheader("content-length") or 0) > 0
    connection.close()


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"]
)
def test_what_is_not_http_gets_an_answer_or_the_door_and_harms_nobody(junk: bytes, server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(junk)
        assert b"400" in raw.recv(1000)
    assert ask(server.port, "POST", PATH, BODY)[0] == 200


def test_a_caller_who_goes_away_in_the_middle_harms_nobody(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 500\r\n\r\n{" % PATH.encode())
    assert ask(server.port, "POST", PATH, BODY)[0] == 200


def test_a_request_under_way_at_sigterm_is_answered(folder: Path, start: Callable[..., Any]) -> None:
    with start(folder) as server, socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(
            b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % (PATH.encode(), len(BODY)) + BODY[:20]
        )
        ask(server.port, "GET", "/v2/health/live")  # the first half has been taken in
        server.process.send_signal(signal.SIGTERM)
        until_refused(server.port)
        raw.sendall(BODY[20:])
        answer = b"".join(iter(lambda: raw.recv(1 << 16), b""))
        assert answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer and b"predictions" in answer
        assert server.process.wait(60) == 0


def until_refused(port: int) -> None:
    """Knock until nobody listens.  Who knocks in the very moment in which the door closes is reset by the kernel."""
    while True:
        with suppress(ConnectionResetError):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=30).close()
            except ConnectionRefusedError:
                return


class Load(threading.Thread):
    """Asks again and again on a kept connection; `lost` holds what was sent and not answered."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port, self.answered, self.lost = port, 0, ""
        self.warm = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while True:
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            try:
                self.until_closed(connection)
            except (OSError, http.client.HTTPException) as error:
                self.lost = repr(error)
                return

    def until_closed(self, connection: http.client.HTTPConnection) -> None:
        closing = None
        while closing != "close":
            connection.request("POST", PATH, BODY)
            answer = connection.getresponse()
            closing = answer.getheader("connection")
            assert answer.status == 200 and len(json.loads(answer.read())["predictions"]) == len(SAMPLE)
            self.answered += 1
            if self.answered == 20:
                self.warm.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_under_load_loses_no_request_and_no_line_of_the_log(number, folder, tmp_path, start) -> None:
    with start(folder, "--log-to", str(tmp_path)) as server:
        callers = [Load(server.port) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            assert caller.warm.wait(60)
        server.process.send_signal(number)
        for caller in callers:
            caller.join()
        assert server.process.wait(60) == 0
        assert server.process.stderr.read() == ""
    assert [caller.lost for caller in callers] == [""] * 4
    rows = written(tmp_path / "predictions" / "flights" / "1")
    assert len(rows) == len(SAMPLE) * sum(caller.answered for caller in callers)
    assert len({(row["_request"], row["_row"]) for row in rows}) == len(rows)


def test_a_full_disk_fails_no_request_and_health_says_so(folder: Path, tmp_path: Path, start) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # bytes a file may have

    with start(folder, "--log-to", str(tmp_path), "--log", "seconds=0.1", preexec_fn=small_files) as server:
        statuses = {ask(server.port, "POST", PATH, BODY)[0] for _ in range(20)}
        health: dict[str, Any] = {}
        while "prediction_log" not in health:
            health = ask(server.port, "GET", "/v1/health")[1]["models"]["flights"]
        statuses |= {ask(server.port, "POST", PATH, BODY)[0] for _ in range(20)}
        assert statuses == {200}
        code, said = server.end()
    assert "too large" in health["prediction_log"]["reason"] and health["prediction_log"]["waiting_rows"]
    assert code == 0 and "80 rows are not in the prediction log" in said


def test_a_server_that_is_killed_leaves_a_table_that_the_next_one_goes_on_with(
    folder: Path, tmp_path: Path, start
) -> None:
    place = tmp_path / "predictions" / "flights" / "1"
    asked = 0
    for round in (1, 2):
        with start(folder, "--log-to", str(tmp_path), "--log", "seconds=0.05") as server:
            while len(written(place)) < 10 * round:
                assert ask(server.port, "POST", PATH, BODY)[0] == 200
                asked += 1
            server.process.kill()
    rows = written(place)
    assert 20 <= len(rows) <= asked * len(SAMPLE)
    assert len({(row["_request"], row["_row"]) for row in rows}) == len(rows) == 2 * sum(row["_row"] for row in rows)


def written(place: Path) -> list[dict[str, Any]]:
    """What the table at PLACE holds."""
    there = (place / "_delta_log" / f"{0:020}.json").exists()
    return rows_of(opened(place)).to_table().to_pylist() if there else []


def test_an_access_log_begins_anew_on_sighup_and_has_a_line_for_each_request(
    folder: Path, tmp_path: Path, start
) -> None:
    path, moved = tmp_path / "access.jsonl", tmp_path / "access.1"
    with start(folder, "--version", "3", "--access-log", str(path)) as server:
        ask(server.port, "POST", PATH, BODY, {"x-request-id": "r-1", "authorization": "Bearer tell-nobody"})
        ask(server.port, "GET", "/v1/health?secret=tell-nobody")
        while path.read_bytes().count(b"\n") < 2:
            pass
        path.rename(moved)
        server.process.send_signal(signal.SIGHUP)
        while not path.exists():
            pass
        ask(server.port, "POST", "/v1/predict/flight", BODY)
        assert server.end()[0] == 0
    told = [json.loads(line) for file in (moved, path) for line in file.read_text().splitlines()]
    assert [(line["path"], line.get("model"), line["status"]) for line in told] == [
        (PATH, "flights", 200), ("/v1/health", None, 200), ("/v1/predict/flight", None, 404),
    ]  # fmt: skip
    assert (told[0]["request"], told[0]["version"], told[0]["batch_rows"]) == ("r-1", "3", len(SAMPLE))
    assert told[0]["bytes_in"] == len(BODY) and 0 <= told[0]["queue_seconds"] <= told[0]["seconds"]
    assert "tell-nobody" not in json.dumps(told)


def failed(*arguments: str) -> tuple[int, dict[str, str]]:
    done = subprocess.run([sys.executable, "-m", "aimass.serve", *arguments], capture_output=True, text=True)
    assert done.stdout == ""
    return done.returncode, json.loads(done.stderr.strip().splitlines()[-1])


def test_a_taken_port_ends_with_code_2_and_what_to_do(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, error = failed(str(folder), "--name", "flights", "--port", str(port))
    assert (code, error["type"]) == (2, "InputError")
    assert error["error"] == f"port {port} of 127.0.0.1 is taken" and "--port 0" in error["to_do"]


def test_a_folder_without_a_model_ends_with_code_2(tmp_path: Path) -> None:
    code, error = failed(str(tmp_path), "--name", "flights")
    assert code == 2 and "model.onnx" in error["error"] and error["expected"]


@pytest.mark.parametrize(
    ("host", "port", "key"),
    [
        ("127.0.0.1", 70_000, "port"),
        ("127.0.0.1", -1, "port"),
        ("no.such.host.invalid", 0, "host"),
        ("192.0.2.1", 0, "host"),
    ],
)
def test_an_address_that_cannot_be_had_names_the_setting(host: str, port: int, key: str) -> None:
    with pytest.raises(InputError) as caught:
        bind(host, port)
    assert caught.value.key == key and caught.value.expected


def test_a_refused_start_leaves_the_port_free(tmp_path: Path) -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
    with pytest.raises(InputError, match=r"model\.onnx"):
        serve([Wanted(tmp_path, "flights")], port=port)
    bind("127.0.0.1", port).close()


def test_only_this_machine_can_reach_it_by_default(server: Running) -> None:
    assert server.ready["host"] == "127.0.0.1"
    lines = Path(f"/proc/{os.getpid()}/net/tcp").read_text().splitlines()[1:]
    mine = [line.split()[1] for line in lines if line.split()[1].endswith(f":{server.port:04X}") and " 0A " in line]
    assert mine == [f"0100007F:{server.port:04X}"]
