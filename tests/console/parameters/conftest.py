"""A server of predictions beside the console, as far as its parameters and counts go: both are the real ones."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from aimass.console.alive import started
from aimass.console.place import Place
from aimass.console.up import state
from aimass.serve.messages import Refused
from aimass.serve.metrics import Counts
from aimass.serve.observe.exposition import exposition
from aimass.serve.parameters import Parameters


class Beside(HTTPServer):
    """Answers /v1/parameters and /metrics of models flights and reviews."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        defaults = {"server/idle_seconds": 75.0, "models/*/call_rows": 64}
        self.parameters = Parameters(lambda: ["flights", "reviews"], defaults)
        self.counts = [Counts("flights", "1"), Counts("flights", "2"), Counts("reviews", "1")]


class Asked(BaseHTTPRequestHandler):
    server: Beside

    def do_GET(self) -> None:
        page = self.path == "/metrics"
        self._say(200, exposition(self.server.counts) if page else _json(self.server.parameters.as_json()))

    def do_PATCH(self) -> None:
        try:
            self.server.parameters.change(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        except Refused as error:
            return self._say(error.status, _json(error.body))
        self._say(200, _json(self.server.parameters.as_json()))

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


def _json(facts: Any) -> bytes:
    return json.dumps(facts).encode()


@pytest.fixture
def beside(place: Place) -> Iterator[Beside]:
    pid = os.getpid()
    with Beside() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        state.write(place.workspace.folder, state.State(pid, started(pid), "2026-01-01", inference=url))
        yield server
        state.remove(place.workspace.folder)
        server.shutdown()
