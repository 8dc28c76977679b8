"""An exchange that no connection of ours carries: its answer is awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from aimass.serve.http.answers import JSON
from aimass.serve.http.heads import Head
from aimass.serve.messages import CLIENT, Answer, Request
from aimass.serve.metrics import Counts


class Pending:
    """As `http.exchange.Exchange` for whoever answers it."""

    def __init__(self, head: Head, body: bytes, id: str, client: Any = None) -> None:
        self.head, self.body, self.id, self.client = head, body, id, client
        self.arrived = time.perf_counter()
        self.counts = Counts()  # whose model answers; else nobody's
        self.future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    protocol = "ASGI"

    @property
    def method(self) -> str:
        return self.head.method

    @property
    def path(self) -> str:
        return self.head.path

    def field(self, name: bytes) -> bytes | None:
        return self.head.get(name)

    @property
    def gone(self) -> bool:
        return self.future.cancelled()

    @property
    def done(self) -> bool:
        return self.future.done()

    def reply(self, body: bytes, kind: bytes = JSON, fields: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.answer(200, body, kind, fields)

    def answer(self, status: int, body: bytes, kind: bytes = JSON, fields: Iterable[tuple[bytes, bytes]] = ()) -> None:
        if not self.future.done():
            self.counts.request(status, time.perf_counter() - self.arrived, self, len(body))
            self.future.set_result(Answer(body, status, kind, tuple(fields)))


async def waited(find: Callable[[Head], Callable[[Any], None]], request: Request) -> Answer:
    """What the route that FIND gives answers to REQUEST; it is looked for when all of the request has come."""
    scope, body = request.scope, await request.raw()
    target = b"%b?%b" % (quote(scope["path"]).encode(), scope.get("query_string", b""))
    head = Head(scope["method"], target, list(scope["headers"]))
    pending = Pending(head, body, request.id, scope.get(CLIENT))
    find(head)(pending)
    return await pending.future
