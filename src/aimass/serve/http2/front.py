"""What all HTTP/2 connections share: who answers which method, and what is held for whom."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from itertools import count

from aimass.serve.http.limits import Limits
from aimass.serve.http2.call import INTERNAL, INVALID_ARGUMENT, PREFIX, RESOURCE_EXHAUSTED, UNIMPLEMENTED, Call
from aimass.serve.http2.connection import Connection

log = logging.getLogger("aimass.serve")


class Front:
    """METHODS answer calls by path; a call's `body` is its message then."""

    def __init__(self, methods: Mapping[bytes, Callable[[Call], None]], limits: Limits = Limits()) -> None:
        self.methods, self.limits = methods, limits
        self.connections: set[Connection] = set()
        self.held = 0
        self.now = time.monotonic()  # to a second; whoever watches sets it
        self.prefix, self.count = secrets.token_hex(4), count(1)

    def number(self) -> str:
        """An id that no other answer has."""
        return f"{self.prefix}-{next(self.count)}"

    def connection(self) -> Connection:
        return Connection(self)

    def begin(self, call: Call) -> None:
        """Let whoever answers it have CALL."""
        method = self.methods.get(call.path)
        if method is None:
            call.refuse(UNIMPLEMENTED, f"there is no {call.path.decode('latin-1')}")
            return
        if self.held > self.limits.held:
            call.refuse(RESOURCE_EXHAUSTED, "the server holds all the messages it may")
            return
        if len(call.body) < PREFIX.size:
            call.refuse(INVALID_ARGUMENT, "there is no message")
            return
        packed, length = PREFIX.unpack_from(call.body)
        if packed or length != len(call.body) - PREFIX.size:
            call.refuse(UNIMPLEMENTED if packed else INVALID_ARGUMENT, "one message, not compressed, is expected")
            return
        call.body = call.body[PREFIX.size :]
        try:
            method(call)
        except Exception:  # nothing is hidden: it is logged whole, and one call must not end the others
            log.exception("a call of %s failed", call.path.decode("latin-1"))
            call.refuse(INTERNAL, "the server failed at this call")

    def end(self) -> None:
        """Open no more calls; those that are open end with their answers."""
        for connection in list(self.connections):
            connection.end()

    def abort(self) -> None:
        for connection in list(self.connections):
            connection.transport.abort()
