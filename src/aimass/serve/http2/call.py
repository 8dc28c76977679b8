"""A gRPC call: its message, and the place of its answer on the connection.

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
from aimass.serve.http2.frames import DATA, END_HEADERS, END_STREAM, HEADERS, frame
from aimass.serve.metrics import GONE, NOBODY, Counts

if TYPE_CHECKING:
    from aimass.serve.http2.connection import Connection

OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = 0, 1, 2, 3, 4, 5
PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 7, 8, 12, 13, 14, 16

PREFIX = struct.Struct(">BI")  # packed or not; length of the message
BEGIN = block([(b":status", b"200"), (b"content-type", b"application/grpc")])
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

    def add(self, part: bytes) -> None:
        """PART of the message came in."""
        self.coming += part
        self.size += len(part)

    @property
    def id(self) -> str:
        """What the answer is called."""
        self.own = self.own or self.connection.crowd.number()
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
                frame(HEADERS, END_HEADERS, stream, BEGIN),
                frame(DATA, 0, stream, PREFIX.pack(0, len(message)) + message),
                frame(HEADERS, END_HEADERS | END_STREAM, stream, END),
            ))
        )  # fmt: skip
        self._over(OK, len(message))

    def write(self, message: bytes) -> None:
        """MESSAGE is one of several."""
        if self.gone:
            return
        if not self.begun:
            self.begun = True
            self.connection.transport.write(frame(HEADERS, END_HEADERS, self.stream, BEGIN))
        self.sent += len(message)
        self.waiting.append(memoryview(PREFIX.pack(0, len(message)) + message))
        self.connection.pump(self)

    def end(self) -> None:
        """Nothing is to follow."""
        if self.gone:
            return
        self.waiting.append(b"")
        self.connection.pump(self)

    def refuse(self, code: int, what: str) -> None:
        """End with CODE and WHAT to tell; after messages that were written already."""
        if self.done or self.gone:
            return
        told = quote_from_bytes(what.encode()[:1024], safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~").encode()
        fields = [(b"grpc-status", b"%d" % code), (b"grpc-message", told)]
        if not self.begun:
            fields = [(b":status", b"200"), (b"content-type", b"application/grpc"), *fields]
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
