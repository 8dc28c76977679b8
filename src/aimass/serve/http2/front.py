"""Who answers which call over HTTP/2, and what a call must look like before it is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

from aimass.serve.http.crowd import Crowd
from aimass.serve.http2.blocks import Fields
from aimass.serve.http2.call import INTERNAL, INVALID_ARGUMENT, PREFIX, RESOURCE_EXHAUSTED, UNIMPLEMENTED, Call
from aimass.serve.http2.connection import Connection
from aimass.serve.http2.stream import Stream
from aimass.serve.messages import Refused, unpacked

CODES = {413: RESOURCE_EXHAUSTED, 415: UNIMPLEMENTED}  # of what cannot be unpacked

log = logging.getLogger("aimass.serve")


class Front:
    """METHODS answer calls by path; a call's `body` is its message then.  STREAMS answer each message of theirs.

    LETS_IN says whether a call's messages are heard at all; one that is not was refused.
    """

    def __init__(
        self, methods: Mapping[bytes, Callable[[Call], None]], crowd: Crowd | None = None,
        lets_in: Callable[[Call], bool] | None = None,
        streams: Mapping[bytes, Callable[[Stream, bytes], None]] | None = None,
    ) -> None:  # fmt: skip
        self.methods, self.crowd, self.lets_in = methods, crowd or Crowd(), lets_in
        self.streams = {path: partial(self._hear, answer) for path, answer in (streams or {}).items()}

    def connection(self) -> asyncio.Protocol:
        return Connection(self)

    def call(self, connection: Connection, stream: int, fields: Fields) -> Call:
        """The call that FIELDS begin."""
        hear = self.streams.get(fields.get(b":path", b""))
        return Call(connection, stream, fields) if hear is None else Stream(connection, stream, fields, hear)

    def begin(self, call: Call) -> None:
        """Let whoever answers it have CALL."""
        method = self.methods.get(call.target)
        if method is None:
            call.refuse(UNIMPLEMENTED, f"there is no {call.path}")
            return
        if self.crowd.held > self.crowd.limits.held:
            call.refuse(RESOURCE_EXHAUSTED, "the server holds all the messages it may")
            return
        if len(call.body) < PREFIX.size:
            call.refuse(INVALID_ARGUMENT, "there is no message")
            return
        packed, length = PREFIX.unpack_from(call.body)
        if length != len(call.body) - PREFIX.size:
            call.refuse(INVALID_ARGUMENT, "one message is expected")
            return
        call.body = call.body[PREFIX.size :]
        if packed and not self._unpacked(call):
            return
        try:
            method(call)
        except Exception:
            self._failed(call)

    def _hear(self, answer: Callable[[Stream, bytes], None], call: Stream, packed: bool, message: bytes) -> None:
        call.body = message
        if packed:
            if not self._unpacked(call):
                return
            call.grew(len(call.body) - len(message))
        try:
            answer(call, call.body)
        except Exception:
            self._failed(call)

    def _unpacked(self, call: Call) -> bool:
        """Whether the body of CALL could be."""
        encoding = call.field(b"grpc-encoding")
        if encoding is None:
            call.refuse(INVALID_ARGUMENT, "the message is packed, and grpc-encoding does not say how")
            return False
        try:
            call.body = unpacked(call.body, encoding, self.crowd.limits.body)
        except Refused as error:
            call.refuse(CODES.get(error.status, INVALID_ARGUMENT), str(error))
            return False
        return True

    def _failed(self, call: Call) -> None:
        """Nothing is hidden: it is logged whole, and one call must not end the others."""
        log.exception("a call of %s failed", call.path)
        call.refuse(INTERNAL, "the server failed at this call")
