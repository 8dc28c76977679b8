"""The access log: a whole line a request, nothing secret, and neither a slow disk nor a full one costs an answer."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serve.http.test_connection import HOST, Talk

from aimass.core.errors import StoreError
from aimass.serve.http.exchange import Exchange
from aimass.serve.metrics import Counts
from aimass.serve.observe.access_log import ABOUT, AccessLog, Lines

SECRET = b"authorization: Bearer tell-nobody\r\nx-api-key: tell-nobody\r\n"


def ask(talk: Talk, path: bytes = b"/infer", id: bytes = b"r-1", body: bytes = b"body") -> None:
    fields = HOST + SECRET + b"x-request-id: %b\r\ncontent-length: %d\r\n\r\n" % (id, len(body))
    talk.send(b"POST %b HTTP/1.1\r\n%b%b" % (path, fields, body))


def talk_to(log: AccessLog) -> Talk:
    talk = Talk()
    talk.front.crowd.counts.observers = (log,)
    return talk


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_request_is_a_line_of_what_happened_and_nothing_that_is_secret(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "access.jsonl"))
    ask(talk_to(log), b"/infer?key=tell-nobody", b'r-"1"')
    log.close()
    (line,) = lines(tmp_path / "access.jsonl")
    assert line.pop("time").endswith("+00:00") and 0 <= line.pop("seconds") < 60
    assert line == {
        "request": 'r-"1"', "protocol": "HTTP/1.1", "method": "POST", "path": "/infer", "status": 200, "bytes_in": 4,
        "bytes_out": len(b"POST /infer body"),
    }  # fmt: skip
    assert "tell-nobody" not in (tmp_path / "access.jsonl").read_text()


def test_a_request_of_a_call_says_how_long_it_waited_and_with_how_many_rows(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "access.jsonl"))
    counts = Counts("flights", "3")
    counts.observers = (log,)

    class Asked:
        id, protocol, method, path, body, arrived = "r-1", "gRPC", "POST", "/x", b"abc", 10.0
        client = type("Client", (), {"id": "k7"})()

        def field(self, name: bytes) -> None: ...

    asked: Any = type("Ask", (), {"exchange": Asked()})()
    counts.called([asked], 8, 10.25, 10.5, 11.0)
    counts.request(200, 1.5, Asked(), 7)
    counts.told(0.0)
    counts.request(429, 0.5, Asked(), 9)
    log.close()
    first, second = lines(tmp_path / "access.jsonl")
    assert list(first)[:8] == ["time", "request", *ABOUT] and first["client"] == "k7"
    assert (first["model"], first["version"], first["queue_seconds"], first["batch_rows"]) == ("flights", "3", 0.25, 8)
    assert (second["status"], "batch_rows" in second) == (429, False)


def test_of_good_answers_a_share_is_told_and_of_mistakes_all(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "access.jsonl"), share=0.25)
    talk = talk_to(log)
    for i in range(200):
        ask(talk, id=b"g-%d" % i)
    talk.hear = lambda exchange: exchange.answer(400, b"")  # type: ignore[method-assign]
    for i in range(20):
        ask(talk, b"/wrong", id=b"b-%d" % i)
    log.close()
    told = lines(tmp_path / "access.jsonl")
    assert [line["request"] for line in told if line["status"] == 400] == [f"b-{i}" for i in range(20)]
    assert 20 < sum(line["status"] == 200 for line in told) < 90


def test_what_waits_too_long_is_lost_and_counted(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "access.jsonl"), most=2)
    log.ending.set()
    log.thread.join()
    talk = talk_to(log)
    for _ in range(5):
        ask(talk)
    assert [status for status, _ in talk.send()] == [200] * 5
    facts = log.health()["access_log"]
    assert (facts["lost_lines"], facts["reason"]) == (3, "the disk is slower than the requests")


def test_a_full_disk_is_said_and_the_next_line_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AccessLog(str(tmp_path / "access.jsonl"))
    log.ending.set()
    log.thread.join()
    space, write = [30], os.write

    def nearly_full(file: int, data: Any) -> int:
        if not space[0]:
            raise OSError(28, "No space left on device")
        taken = write(file, bytes(data[: space[0]]))
        space[0] -= taken
        return taken

    monkeypatch.setattr("aimass.serve.observe.access_log.os.write", nearly_full)
    noted = (1.0, "x", ("x",) * 6, 200, 1, 2, 0.5, None, None)
    log._write([noted, noted])
    assert log.health()["access_log"] == {
        "file": log.path, "lost_lines": 2, "reason": "No space left on device",
    }  # fmt: skip
    space[0] = 10_000  # somebody made room
    log._write([noted])
    log.file.close()
    torn, whole = (tmp_path / "access.jsonl").read_text().splitlines()
    assert len(torn) == 30 and json.loads(whole)["status"] == 200


def test_a_file_that_was_moved_away_is_begun_anew_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    log = AccessLog(str(path))
    talk = talk_to(log)
    ask(talk, id=b"old")
    while not path.stat().st_size:  # the thread writes it
        pass
    path.rename(tmp_path / "access.1")
    log.reopen()
    while not path.exists():
        pass
    ask(talk, id=b"new")
    log.close()
    assert [line["request"] for line in lines(tmp_path / "access.1")] == ["old"]
    assert [line["request"] for line in lines(path)] == ["new"]


def test_the_standard_output_is_a_place_too(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: Any) -> None:
    with os.fdopen(os.dup(1), "wb") as out:
        monkeypatch.setattr("sys.stdout", type("Out", (), {"buffer": out}))
        log = AccessLog("-")
        ask(talk_to(log))
        log.close()
    assert json.loads(capfdbinary.readouterr().out)["request"] == "r-1"


def test_a_log_that_cannot_be_begun_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be begun") as caught:
        AccessLog(str(tmp_path / "nowhere" / "access.jsonl"))
    assert "--access-log" in caught.value.todo


@given(st.text(), st.text(st.characters(exclude_categories=["Cs"])), st.floats(0, 4e9), st.floats(0, 1e4))
@settings(deadline=None)
def test_a_line_is_json_that_says_what_was_told(request: str, path: str, end: float, seconds: float) -> None:
    request = request.encode("utf-8", "replace").decode()
    about = ("k7", "HTTP/1.1", "GET", path, "", "3")
    raw = Lines().of(end, request, about, 200, 1, 2, seconds, 0.25, 8)
    told = json.loads(raw)
    assert raw.count(b"\n") == 1 and (told["request"], told.get("path", "")) == (request, path[:512])
    assert "model" not in told and told["seconds"] == pytest.approx(seconds, abs=1e-6)
    assert datetime.fromisoformat(told["time"]).timestamp() == pytest.approx(end, abs=1e-5)


def test_an_answer_that_is_nothing_is_told_as_such(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "access.jsonl"))
    talk = talk_to(log)
    heard: list[Exchange] = []
    talk.hear = heard.append  # type: ignore[method-assign]
    ask(talk)
    talk.connection.connection_lost(None)
    log.close()
    assert [line["status"] for line in lines(tmp_path / "access.jsonl")] == [499]
