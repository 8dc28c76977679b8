"""One request and the place of its answer among those of its connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aimass.serve.http.answers import JSON
from aimass.serve.http.heads import Head
from aimass.serve.http.packing import AT_ONCE, SMALL, packed
from aimass.serve.metrics import GONE, NOBODY, Counts

if TYPE_CHECKING:
    from aimass.serve.http.connection import Connection

GOOD = b"%bcontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n\r\n%b"
KEEP = ((b"connection", b"keep-alive"),)  # what a caller of HTTP/1.0 must be told


class Exchange:
    """BODY is as it was sent.  Whoever answers calls `reply` or `answer` once.

    An answer waits here while an earlier one of its connection is under way.  To a caller who has gone it is nothing.
    """

    __slots__ = ("arrived", "body", "client", "connection", "counts", "done", "head", "own", "raw")

    def __init__(self, connection: Connection, head: Head, body: bytes) -> None:
        self.connection, self.head, self.body = connection, head, body
        self.arrived = time.perf_counter()
        self.raw: bytes | None = None  # what is to be written
        self.done = False
        self.counts: Counts = connection.crowd.counts  # who is told of the answer
        self.own = b""  # the id, where the caller gave none
        self.client: Any = None  # whose key was shown, where keys are asked for

    @property
    def id(self) -> str:
        """What the answer is called: as the caller said, or a number."""
        return self._id().decode("latin-1")

    def _id(self) -> bytes:
        if not self.head.id and not self.own:
            self.own = self.connection.crowd.number().encode()
        return self.head.id or self.own

    def field(self, name: bytes) -> bytes | None:
        """What the head says under NAME, in lower case."""
        return self.head.get(name)

    @property
    def protocol(self) -> str:
        return f"HTTP/{self.head.version}"

    @property
    def method(self) -> str:
        return self.head.method

    @property
    def path(self) -> str:
        return self.head.path

    def _is_last(self) -> bool:
        return not self.gone and self.connection.is_last(self)

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.connection.lost

    def left(self) -> None:
        """The caller has gone."""
        if not self.done:
            self.counts.request(GONE, time.perf_counter() - self.arrived, self)
            self.counts = NOBODY

    def send(self, raw: bytes) -> None:
        """RAW is the whole answer."""
        self.raw, self.done = raw, True
        if not self.connection.lost and self.connection.open[0] is self:
            self.connection.flush()

    def reply(self, body: bytes, kind: bytes = JSON, fields: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """A good answer.  The shortest way for what is asked most."""
        connection, head = self.connection, self.head
        if fields or connection.front.draining or connection.ending or head.packing or head.version != "1.1":
            self.answer(200, body, kind, fields)
            return
        size = len(body)
        self.send(GOOD % (connection.crowd.clock.line(200), kind, size, self._id(), body))
        self.counts.request(200, time.perf_counter() - self.arrived, self, size)

    def answer(
        self, status: int, body: bytes, kind: bytes = JSON, fields: Iterable[tuple[bytes, bytes]] = (), *,
        close: bool = False,
    ) -> None:  # fmt: skip
        """The whole answer from its parts, packed where the caller asks for that."""
        how = self.head.packing
        if how is None or status != 200 or len(body) <= SMALL:
            self._answer(status, body, kind, fields, close)
            return
        told = (*fields, (b"content-encoding", how), (b"vary", b"accept-encoding"))
        if len(body) <= AT_ONCE:
            self._answer(status, packed(body, how), kind, told, close)
            return
        made = asyncio.get_running_loop().run_in_executor(None, packed, body, how)
        made.add_done_callback(lambda made: self._answer(status, made.result(), kind, told, close))

    def _answer(
        self, status: int, body: bytes, kind: bytes, fields: Iterable[tuple[bytes, bytes]], close: bool
    ) -> None:  # fmt: skip
        connection, head = self.connection, self.head
        if close or not head.keep_alive or (connection.front.draining and self._is_last()):
            connection.ending = close = True
        elif head.version == "1.0":
            fields = (*fields, *KEEP)
        fields = ((b"x-request-id", self._id()), *fields)
        self.send(connection.crowd.clock.answer(status, body, kind, fields, close=close, bare=head.method == "HEAD"))
        self.counts.request(status, time.perf_counter() - self.arrived, self, len(body))
