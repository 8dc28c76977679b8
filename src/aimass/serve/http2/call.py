"""A gRPC call of one message, and the place of its answer on the connection.

github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import re
import struct
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes

from aimass.serve.http2.blocks import Fields, block
from aimass.serve.http2.frames import DATA, END_HEADERS, END_STREAM, HEADERS, LONG, WINDOW_UPDATE, frame
from aimass.serve.metrics import GONE, NOBODY, Counts

if TYPE_CHECKING:
    from aimass.serve.http2.connection import Connection

OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = 0, 1, 2, 3, 4, 5
PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 7, 8, 12, 13, 14, 16

PREFIX = struct.Struct(">BI")  # packed or not; length of the message
REQUEST = b"x-request-id"  # given back where the caller sent one
FIRST = [(b":status", b"200"), (b"content-type", b"application/grpc"),
         (b"grpc-accept-encoding", b"identity,deflate,gzip")]  # fmt: skip
BEGIN = block(FIRST)
END = block([(b"grpc-status", b"0")])
TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


class Call:
    """Stream ID of a connection.  Answered by `reply` once, or by `write` and `end`, or by `refuse`."""

    __slots__ = (
        "arrived", "began", "begun", "body", "client", "coming", "connection", "counts", "done", "ended", "fields",
        "own", "sent", "size", "stream", "waiting", "window",
    )  # fmt: skip

    def __init__(self, connection: Connection, stream: int, fields: Fields) -> None:
        self.connection, self.stream, self.fields = connection, stream, fields
        self.arrived, self.began = time.perf_counter(), connection.now()
        self.body = b""  # the message, when all was heard
        self.coming = bytearray()
        self.size = 0  # bytes of it that are held
        self.window = connection.window_of_streams
        self.waiting: deque[bytes | memoryview] = deque()  # frames' payloads that no window lets out yet
        self.begun = self.ended = self.done = False  # head sent; all was heard; all was said
        self.counts: Counts = connection.crowd.counts
        self.client: Any = None  # whose key was shown, where keys are asked for
        self.own = ""
        self.sent = 0  # bytes of messages

    # -- what comes in ----------------------------------------------------------------------------------------

    def add(self, part: bytes) -> None:
        """PART of the message came in.  What is too much is refused."""
        crowd = self.connection.crowd
        self.coming += part
        self.size += len(part)
        crowd.held += len(part)
        if crowd.held > crowd.limits.held:
            self.refuse(RESOURCE_EXHAUSTED, "the server holds all the messages it may")
        elif self.too_large:
            self.refuse(RESOURCE_EXHAUSTED, f"the message is larger than {crowd.limits.body} bytes")

    @property
    def too_large(self) -> bool:
        return self.size > self.connection.crowd.limits.body

    def took(self, size: int) -> None:
        """So many bytes of the window are free again, and more is to come."""
        self.connection.transport.write(frame(WINDOW_UPDATE, 0, self.stream, LONG.pack(size)))

    def whole(self) -> None:
        """No more is to come."""
        self.ended = True
        self.body = bytes(self.coming)
        self.connection.front.begin(self)

    def late(self, now: float) -> bool:
        """Whether what is to come takes too long."""
        return not self.ended and now - self.began > self.connection.crowd.limits.body_seconds

    def stop(self) -> None:
        """The server is about to end; a call that was begun is answered."""

    # -- what is known of it ----------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """What the answer is called: as the caller said, or a number."""
        if not self.own:
            said = self.fields.get(REQUEST)
            self.own = said[:128].decode("latin-1") if said else self.connection.crowd.number()
        return self.own

    protocol, method = "gRPC", "POST"  # for those who tell of it

    def field(self, name: bytes) -> bytes | None:
        """What the headers say under NAME, in lower case."""
        return self.fields.get(name)

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.connection.lost or self.stream not in self.connection.calls

    @property
    def target(self) -> bytes:
        return self.fields.get(b":path", b"")

    @property
    def path(self) -> str:
        return self.target.decode("latin-1")

    @property
    def timeout(self) -> float:
        """Seconds the caller will wait; 0 where it does not say."""
        said = TIMEOUT.fullmatch(self.fields.get(b"grpc-timeout", b""))
        return int(said[1]) * UNITS[said[2]] if said else 0.0

    # -- answers ----------------------------------------------------------------------------------------------

    def reply(self, message: bytes) -> None:
        """MESSAGE is the whole answer."""
        size = len(message) + PREFIX.size
        connection = self.connection
        if self.begun or size > min(self.window, connection.window, connection.largest):
            self.write(message)
            self.end()
            return
        if self.gone:
            return
        connection.window -= size
        stream = self.stream
        connection.transport.write(
            b"".join((
                frame(HEADERS, END_HEADERS, stream, self._first()),
                frame(DATA, 0, stream, PREFIX.pack(0, len(message)) + message),
                frame(HEADERS, END_HEADERS | END_STREAM, stream, END),
            ))
        )  # fmt: skip
        self._over(OK, len(message))

    def write(self, message: bytes) -> None:
        """MESSAGE is one of several."""
        if self.gone:
            return
        self._begin()
        self.sent += len(message)
        self.waiting.append(memoryview(PREFIX.pack(0, len(message)) + message))
        self.connection.pump(self)

    def end(self) -> None:
        """Nothing is to follow."""
        if self.gone:
            return
        self._begin()
        self.waiting.append(b"")
        self.connection.pump(self)

    def moved(self) -> None:
        """Some of what waited is out."""

    def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            self.connection.transport.write(frame(HEADERS, END_HEADERS, self.stream, self._first()))

    def _first(self) -> bytes:
        """The headers before the messages."""
        return block([*FIRST, (REQUEST, self.id.encode("latin-1"))]) if REQUEST in self.fields else BEGIN

    def refuse(self, code: int, what: str) -> None:
        """End with CODE and WHAT to tell; after messages that were written already."""
        if self.done or self.gone:
            return
        told = quote_from_bytes(what.encode()[:1024], safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~").encode()
        fields = [(b"grpc-status", b"%d" % code), (b"grpc-message", told)]
        if not self.begun:
            named = [(REQUEST, self.id.encode("latin-1"))] if REQUEST in self.fields else []
            fields = [*FIRST, *named, *fields]
        self.waiting.clear()
        self.connection.transport.write(frame(HEADERS, END_HEADERS | END_STREAM, self.stream, block(fields)))
        self._over(code)

    def finish(self) -> None:
        """All messages are out."""
        self.connection.transport.write(frame(HEADERS, END_HEADERS | END_STREAM, self.stream, END))
        self._over(OK)

    def left(self) -> None:
        """The caller has gone, or does not want it any more."""
        self.counts.request(GONE, time.perf_counter() - self.arrived, self)
        self.counts = NOBODY

    def _over(self, code: int, size: int = 0) -> None:
        self.done = True
        self.counts.request(HTTP.get(code, 500), time.perf_counter() - self.arrived, self, size or self.sent)
        self.connection.over(self)


# What a code is counted as.
HTTP = {
    OK: 200, CANCELLED: 499, INVALID_ARGUMENT: 400, DEADLINE_EXCEEDED: 504, NOT_FOUND: 404, RESOURCE_EXHAUSTED: 429,
    UNIMPLEMENTED: 404, UNAVAILABLE: 503, PERMISSION_DENIED: 403, UNAUTHENTICATED: 401,
}  # fmt: skip
