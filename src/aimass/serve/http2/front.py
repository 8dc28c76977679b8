"""Who answers which call over HTTP/2, and what a call must look like before it is answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from aimass.serve.http.crowd import Crowd
from aimass.serve.http2.call import INTERNAL, INVALID_ARGUMENT, PREFIX, RESOURCE_EXHAUSTED, UNIMPLEMENTED, Call
from aimass.serve.http2.connection import Connection

log = logging.getLogger("aimass.serve")


class Front:
    """METHODS answer calls by path; a call's `body` is its message then.

    LETS_IN says whether a call's message is heard at all; one that is not was refused.
    """

    def __init__(
        self, methods: Mapping[bytes, Callable[[Call], None]], crowd: Crowd | None = None,
        lets_in: Callable[[Call], bool] | None = None,
    ) -> None:  # fmt: skip
        self.methods, self.crowd, self.lets_in = methods, crowd or Crowd(), lets_in

    def connection(self) -> Connection:
        return Connection(self)

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
        if packed or length != len(call.body) - PREFIX.size:
            call.refuse(UNIMPLEMENTED if packed else INVALID_ARGUMENT, "one message, not compressed, is expected")
            return
        call.body = call.body[PREFIX.size :]
        try:
            method(call)
        except Exception:  # nothing is hidden: it is logged whole, and one call must not end the others
            log.exception("a call of %s failed", call.path)
            call.refuse(INTERNAL, "the server failed at this call")
