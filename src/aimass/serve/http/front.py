"""Who answers what over HTTP/1.1: heads that are known, and what goes wrong on the way."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from aimass.serve.http.connection import Connection, Taking
from aimass.serve.http.crowd import Crowd
from aimass.serve.http.exchange import Exchange
from aimass.serve.http.heads import Head, Heads

Route = Callable[[Exchange], None]

log = logging.getLogger("aimass.serve")


class Front:
    """FIND gives who answers a head; it is asked once for heads that are known.  `forget` when its answers change.

    HTTP2 gives who takes over connections of those who speak it, at once or later.  TURNS_AWAY gives who answers a head
    whose body is not even kept, if so.
    """

    def __init__(
        self, find: Callable[[Head], Route], crowd: Crowd | None = None,
        http2: Callable[[Taking], None] | None = None, turns_away: Callable[[Head], Route | None] | None = None,
    ) -> None:  # fmt: skip
        self.find, self.crowd, self.http2, self.turns_away = find, crowd or Crowd(), http2, turns_away
        self.heads = Heads()
        self.draining = False

    def connection(self) -> Connection:
        """A protocol for one caller."""
        return Connection(self)

    def begin(self, exchange: Exchange) -> None:
        """Let whoever answers it have EXCHANGE."""
        head = exchange.head
        try:
            if self.crowd.held > self.crowd.limits.held:
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
        if not exchange.done:
            body = {"error": "the server failed at this request", "request": exchange.id}
            exchange.answer(500, json.dumps(body).encode())

    def refuse(self, exchange: Exchange, status: int, what: str) -> None:
        """An error of the connection, as JSON; the connection ends with it."""
        exchange.answer(status, json.dumps({"error": what}).encode(), close=True)

    def forget(self) -> None:
        """Other models answer from now on."""
        self.heads.forget()
