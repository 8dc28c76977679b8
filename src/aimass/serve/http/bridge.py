"""An ASGI application that answers exchanges: for whatever is not on the hot path.

ASGI 3.0, HTTP only; the body is whole before the application is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from aimass.serve.http.exchange import Exchange
from aimass.serve.messages import CLIENT
from aimass.serve.tasks import Tasks

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Bridge:
    """A route to APP."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.tasks = Tasks()

    def __call__(self, exchange: Exchange) -> None:
        self.tasks.begin(self._answered(exchange))

    async def _answered(self, exchange: Exchange) -> None:
        try:
            await self.app(scope_of(exchange), Heard(exchange), Said(exchange))
        except Exception:  # the application tells its callers of its own; this is what it did not foresee
            exchange.connection.front.failed(exchange)


def scope_of(exchange: Exchange) -> Message:
    """EXCHANGE as ASGI describes it."""
    head, transport = exchange.head, exchange.connection.transport
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": head.version,
        "method": head.method, "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
        "path": head.path, "query_string": head.query, "root_path": "",
        "headers": head.fields, "client": _address(transport, "peername"), "server": _address(transport, "sockname"),
        CLIENT: exchange.client,
    }  # fmt: skip


def _address(transport: asyncio.BaseTransport, which: str) -> tuple[str, int] | None:
    found = transport.get_extra_info(which)
    return (found[0], found[1]) if isinstance(found, tuple) else None


class Heard:
    """`receive`: the body once, then that the caller has gone, when it has."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange, self.told = exchange, False

    async def __call__(self) -> Message:
        if not self.told:
            self.told = True
            return {"type": "http.request", "body": self.exchange.body, "more_body": False}
        await self.exchange.connection.closed.wait()
        return {"type": "http.disconnect"}


class Said:
    """`send`: an answer is whole when it goes out."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.status, self.fields = 0, dict[bytes, bytes]()
        self.parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.fields = {name.lower(): value for name, value in message.get("headers", ())}
            return
        self.parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            self._answer(b"".join(self.parts), self.fields)

    def _answer(self, body: bytes, fields: dict[bytes, bytes]) -> None:
        kind = fields.pop(b"content-type", b"application/octet-stream")
        close = fields.pop(b"connection", b"") == b"close"
        fields.pop(b"content-length", None)
        self.exchange.own = fields.pop(b"x-request-id", b"")
        self.exchange.answer(self.status, body, kind, fields.items(), close=close)
