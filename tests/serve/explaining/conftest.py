"""How a server is asked about explanations, and a stand-in for the process that makes them."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from typing import Any

from tests.serve.conftest import WORD, Reply

ROW = {"size": 2.0, WORD: "red", "seen": "2015-06-01"}
INPUTS = [
    {"name": "size", "datatype": "FP64", "shape": [1], "data": [2.0]},
    {"name": WORD, "datatype": "BYTES", "shape": [1], "data": ["red"]},
    {"name": "seen", "datatype": "INT64", "shape": [1], "data": [1433116800000000]},
]


def said(port: int, method: str, path: str, body: Any = None, **headers: str) -> Reply:
    """What a server on PORT answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, raw, {name.replace("_", "-"): text for name, text in headers.items()})
        reply = connection.getresponse()
        return Reply(reply.status, {name.lower(): text for name, text in reply.getheaders()}, reply.read())
    finally:
        connection.close()


class Stand:
    """Stands in for `Pool`: remembers what it is asked, and gives what FOUND says, after ever so many SECONDS."""

    def __init__(self, found: Any, seconds: float = 0.0) -> None:
        self.found, self.seconds = found, seconds
        self.asked: list[Any] = []
        self.gone: list[Callable[[], bool]] = []

    async def ask(self, question: bytes, seconds: float, gone: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        self.asked.append(json.loads(question))
        self.gone.append(gone)
        await asyncio.sleep(self.seconds)
        if isinstance(self.found, Exception):
            raise self.found
        return dict(self.found)

    def close(self) -> None: ...
