"""The server of predictions is asked where `aimass up` says it is, and every way to lose it has its words."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from aimass.console import beside
from aimass.console.alive import started
from aimass.console.beside import asked
from aimass.console.refusals import Refusal
from aimass.console.up import state
from aimass.runner.workspace import Workspace


class Echo(BaseHTTPRequestHandler):
    """Says what it was asked."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(409 if self.path == "/no" else 200)
        self.end_headers()
        echoed = sent + self.headers["content-type"].encode()
        self.wfile.write(b'{"error": "it is so"}' if self.path == "/no" else echoed)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@contextmanager
def up(space: Workspace, url: str) -> Iterator[None]:
    """A supervisor of SPACE, which is this process, whose server answers at URL."""
    pid = os.getpid()
    state.write(space.folder, state.State(pid, started(pid), "2026-01-01", inference=url))
    yield
    state.remove(space.folder)


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "space")


@pytest.fixture
def echo() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_it_gives_bytes_as_they_are_and_all_else_as_json(space: Workspace, echo: str) -> None:
    with up(space, echo):
        assert asked(space, "POST", "/x", {"a": 1}).body == b'{"a": 1}application/json'
        assert asked(space, "POST", "/x", b"\x00", headers={"content-type": "image/png"}).body == b"\x00image/png"


def test_a_refusal_of_the_server_is_an_answer_with_its_reason(space: Workspace, echo: str) -> None:
    with up(space, echo):
        answer = asked(space, "POST", "/no", {})
    assert (answer.status, answer.good, answer.why()) == (409, False, "it is so")


def refused(act: Callable[[], Any]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value


def test_nobody_there_is_told_with_what_to_do(space: Workspace) -> None:
    error = refused(lambda: asked(space, "GET", "/x"))
    assert error.status == 503 and "aimass up" in error.todo


def test_a_server_that_is_gone_or_silent_is_told_apart(space: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with up(space, f"http://127.0.0.1:{silent.getsockname()[1]}"):
            assert refused(lambda: asked(space, "GET", "/x", seconds=0.2)).status == 504
        gone = silent.getsockname()[1]
    with up(space, f"http://127.0.0.1:{gone}"):
        assert refused(lambda: asked(space, "GET", "/x")).status == 503


def test_a_server_that_hangs_holds_some_of_the_threads_that_answer_pages_and_no_more(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, enough = list[int](), threading.Event()
    monkeypatch.setattr(beside, "asked_at", lambda *_, **__: begun.append(1) or enough.wait(30))
    with up(space, "http://127.0.0.1:1"), ThreadPoolExecutor(64) as threads:
        asking = [threads.submit(asked, space, "GET", "/x") for _ in range(64)]
        refusals = list(islice((one.exception() for one in as_completed(asking)), 40))
        held = len(begun)
        enough.set()
    assert {getattr(refusal, "status", None) for refusal in refusals} == {503} and held == 16
    assert sum(one.exception() is None for one in asking) == 24
