"""The protocol of one connection: requests in, unless their heads were parsed before, and answers in their order.

Stops to read from a caller who does not read, or asks faster than it is answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aimass.serve.http.exchange import Exchange
from aimass.serve.http.heads import END, Head
from aimass.serve.http.hearing import Fault, Hearing

if TYPE_CHECKING:
    from aimass.serve.http.front import Front

Taking = Callable[[asyncio.Protocol], None]  # who takes a connection over

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PRIOR = b"PRI"  # so begins who knows beforehand that HTTP/2 is spoken (RFC 9113, section 3.3)
FAREWELL = 1.0  # seconds in which a caller may still send what nobody reads: a close at once would take its answer away


class Connection(asyncio.Protocol):
    """Of one caller.  `open` are the exchanges that wait for their answers, oldest first.  Times are the crowd's."""

    speaks = "http/1.1"
    transport: Any  # asyncio.Transport

    def __init__(self, front: Front) -> None:
        self.front, self.crowd, self.limits = front, front.crowd, front.crowd.limits
        self.open: deque[Exchange] = deque()
        self.hearing = Hearing(self)
        self.begun = False  # something was heard
        self.lost = self.ending = False  # gone; or nothing more is heard, and after the last answer it is closed
        self.since = self.crowd.now  # the last byte or answer, or the first byte of the request that is coming in
        self.stuck = self.leaving = 0.0  # since when the caller does not read; or should have left
        self.left = b""  # what was sent and must wait
        self.paused = self.refused = False
        self.closed = asyncio.Event()

    # -- what asyncio tells -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.crowd.connections.add(self)
        if self.crowd.full:
            self._refuse(Fault(503, f"{self.limits.connections} connections are open: that is all there may be"))

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self.closed.set()
        self.crowd.connections.discard(self)
        self.crowd.held -= sum(len(exchange.body) for exchange in self.open)
        for exchange in self.open:
            exchange.left()
        self.open.clear()
        self.hearing.end()
        self.left = b""

    def data_received(self, data: bytes) -> None:
        if self.ending:
            return
        if not self.begun:
            self.begun = True
            if data.startswith(PRIOR) and self.front.http2 is not None:
                self._wait_for(self.front.http2, data)
                return
        if not self.hearing.inside:
            self.since = self.crowd.now
        self._take(self.left + data if self.left else data)

    def _wait_for(self, http2: Callable[[Taking], None], data: bytes) -> None:
        """Keep DATA for who speaks HTTP/2, and may have to be fetched first."""
        self.left = data
        self.transport.pause_reading()
        http2(self._hand_over)

    def _hand_over(self, other: asyncio.Protocol) -> None:
        """To OTHER, who speaks HTTP/2."""
        if self.lost or self.transport.is_closing():
            return
        self.crowd.connections.discard(self)
        self.transport.set_protocol(other)
        other.connection_made(self.transport)
        self.transport.resume_reading()
        other.data_received(self.left)
        self.hearing.end()

    def eof_received(self) -> bool:
        """A caller who will send no more may still wait for answers; TLS knows no such half of a connection."""
        self.ending = True
        return bool(self.open) and not self.hearing.inside and self.transport.can_write_eof()

    def pause_writing(self) -> None:
        self.stuck = self.crowd.now
        self._pause()

    def resume_writing(self) -> None:
        self.stuck = 0.0
        self._go_on()

    # -- requests ---------------------------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        """Begin what DATA completes; keep what must wait."""
        known, hearing = self.front.heads.get, self.hearing
        self.left = b""
        while data and not self.ending:
            if len(self.open) >= self.limits.pipelined or self.stuck:
                self.left = data
                self._pause()
                return
            end = 0 if hearing.inside else data.find(END) + 4
            head = known(data[:end]) if end > 3 else None
            if head is None or len(data) < end + head.length:
                self._hear(data, end)
                return
            stop = end + head.length
            self.begin(head, data[end:stop])
            data = data[stop:]

    def _hear(self, data: bytes, end: int) -> None:
        try:
            self.hearing.feed(data, end)
        except Fault as fault:
            self._refuse(fault)
        if len(self.open) >= self.limits.pipelined:
            self._pause()

    def begin(self, head: Head, body: bytes) -> None:
        """A request is whole."""
        if self.ending:
            return
        exchange = Exchange(self, head, body)
        self.open.append(exchange)
        self.crowd.held += len(body)
        self.ending = not head.keep_alive
        self.front.begin(exchange)

    def expected(self) -> None:
        """The caller waits with its body until it is told to send it."""
        if not self.open:
            self.transport.write(CONTINUE)

    def _refuse(self, fault: Fault) -> None:
        """Answer FAULT after what is under way; hear nothing more."""
        if self.lost or self.ending:  # what comes behind the last request is nobody's
            return
        head = self.hearing.head or Head("", b"", [], keep_alive=False)
        self.hearing.forget()
        self.ending = self.refused = True
        exchange = Exchange(self, head, b"")
        self.open.append(exchange)
        self.front.refuse(exchange, fault.status, str(fault))

    def _pause(self) -> None:
        self.paused = True
        self.transport.pause_reading()

    # -- answers ----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write what may go out."""
        waiting, write = self.open, self.transport.write
        while waiting and waiting[0].raw is not None:
            first = waiting[0]
            write(first.raw)
            waiting.popleft()
            self.crowd.held -= len(first.body)
        if not waiting:
            self.since = self.crowd.now
            if self.ending:
                self._leave()
        if self.paused:
            self._go_on()

    def _leave(self) -> None:
        if self.refused:
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self.leaving = self.crowd.now
            self.paused = False
            self.transport.resume_reading()  # and drop it
        else:
            self.transport.close()

    def is_last(self, exchange: Exchange) -> bool:
        """Whether nothing was asked after EXCHANGE."""
        return self.open[-1] is exchange and not self.hearing.inside and not self.left

    def _go_on(self) -> None:
        """Hear again, beginning with what was left."""
        if self.stuck or self.lost or self.ending or len(self.open) >= self.limits.pipelined:
            return
        self.paused = False
        self.since = self.crowd.now
        self.transport.resume_reading()
        if self.left:
            self._take(self.left)

    def warn(self) -> None:
        """Nothing is to be said: every answer says from now on that it is the last."""

    def end(self) -> None:
        """End with the last answer; now, when none is awaited and no request is coming in."""
        if not self.open and not self.hearing.inside:
            self.transport.close()

    def overdue(self, now: float) -> None:
        """End what takes longer than it may."""
        limits, hearing = self.limits, self.hearing
        if self.leaving:
            if now - self.leaving > FAREWELL:
                self.transport.close()
        elif self.stuck:
            if now - self.stuck > limits.write_seconds:
                self.transport.abort()
        elif hearing.inside and not self.paused:
            most = limits.head_seconds if hearing.head is None else limits.body_seconds
            if now - self.since > most:
                self._refuse(Fault(408, f"the request did not arrive within {most:g} s"))
        elif not self.open and now - self.since > limits.idle_seconds:
            self.transport.close()
