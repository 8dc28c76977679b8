"""What all connections share: known heads, the clock, who answers what, and what is held for whom."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from aimass.serve.http.answers import Clock
from aimass.serve.http.connection import Connection
from aimass.serve.http.exchange import Exchange
from aimass.serve.http.heads import Head, Heads
from aimass.serve.http.limits import Limits

if TYPE_CHECKING:
    from aimass.serve.http2.front import Front as Front2

Route = Callable[[Exchange], None]

log = logging.getLogger("aimass.serve")


class Front:
    """FIND gives who answers a head; it is asked once for heads that are known.  `forget` when its answers change.

    HTTP2 takes over the connections of those who speak it.
    """

    def __init__(self, find: Callable[[Head], Route], limits: Limits = Limits(), http2: Front2 | None = None) -> None:
        self.find, self.limits, self.http2 = find, limits, http2
        self.heads, self.clock = Heads(), Clock()
        self.connections: set[Connection] = set()
        self.held = 0  # bytes of bodies
        self.now = time.monotonic()  # to a second
        self.draining = False
        self.prefix, self.count = secrets.token_hex(4).encode(), count(1)

    def number(self) -> bytes:
        """An id that no other answer has."""
        return b"%b-%d" % (self.prefix, next(self.count))

    def connection(self) -> Connection:
        """A protocol for one caller."""
        return Connection(self)

    def begin(self, exchange: Exchange) -> None:
        """Let whoever answers it have EXCHANGE."""
        head = exchange.head
        try:
            if self.held > self.limits.held:
                self.refuse(exchange, 503, "the server holds all the bodies it may")
                return
            if head.route is None:
                head.route = self.find(head)
            head.route(exchange)
        except Exception:  # nothing is hidden: it is logged whole, and one request must not end the others
            self.failed(exchange)

    def failed(self, exchange: Exchange) -> None:
        """Log the error under way; tell the caller where to find it."""
        log.exception("request %s failed", exchange.id)
        if exchange.raw is None and not exchange.done:
            body = {"error": "the server failed at this request", "request": exchange.id}
            exchange.answer(500, json.dumps(body).encode())
        else:
            exchange.connection.transport.abort()  # half an answer must not look whole

    def refuse(self, exchange: Exchange, status: int, what: str) -> None:
        """An error of the connection, as JSON; the connection ends with it."""
        exchange.answer(status, json.dumps({"error": what}).encode(), close=True)

    def crowded(self) -> bool:
        """Whether there are more connections than there may be."""
        others = len(self.http2.connections) if self.http2 else 0
        return len(self.connections) + others > self.limits.connections

    async def watch(self) -> None:
        """Once a second, for ever: the date, and callers who take too long."""
        while True:
            self.now = time.monotonic()
            if self.http2:
                self.http2.now = self.now
            self.clock.tick()
            for connection in [*self.connections, *(self.http2.connections if self.http2 else ())]:
                try:
                    connection.overdue(self.now)
                except Exception:  # logged whole; the others are looked at
                    log.exception("a connection cannot be looked at")
            await asyncio.sleep(1)

    def close_idle(self) -> None:
        """End connections that wait for nothing; the others end with their answers."""
        for connection in list(self.connections):
            connection.close_idle()

    def abort(self) -> None:
        """End every connection, as it is."""
        for connection in list(self.connections):
            connection.transport.abort()

    def forget(self) -> None:
        """Other models answer from now on."""
        self.heads.forget()
