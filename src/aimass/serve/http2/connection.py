"""The protocol of one HTTP/2 connection, from the side that answers.

What a peer may make us hold or do is bounded: streams at once, bytes of headers and messages, frames that cost more
than they say (RFC 9113, section 10.5).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aimass.serve.http2.blocks import LARGEST, Blocks
from aimass.serve.http2.call import DEADLINE_EXCEEDED, Call
from aimass.serve.http2.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    INITIAL_WINDOW_SIZE,
    LARGEST_WINDOW,
    LONG,
    MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE,
    MAX_HEADER_LIST_SIZE,
    NO_ERROR,
    PADDED,
    PRIORITISED,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    RST_STREAM,
    STREAM_CLOSED,
    WINDOW,
    WINDOW_UPDATE,
    ProtocolError,
    frame,
    settings,
    unpadded,
)  # fmt: skip
from aimass.serve.http2.peer import OURS, Peer

if TYPE_CHECKING:
    from aimass.serve.http2.front import Front

STREAMS = 256  # at once
ALL = 16 << 20  # bytes: our window of the connection
CANCELS = 2000  # calls that are opened to be cancelled cost us, not the peer (CVE-2023-44487)


class Connection(Peer):
    """Of one peer.  `calls` are those that are heard or answered, by stream."""

    speaks = "http/2"

    def __init__(self, front: Front) -> None:
        self.front, self.crowd = front, front.crowd
        super().__init__()
        self.calls = self.open = dict[int, Call]()
        self.blocks = Blocks()
        self.heard = 0  # bytes of data since our window was last opened
        self.cancels = 0
        self.stuck = 0.0  # since when the peer does not read
        self.moved = self.now()  # when data last went out

    def now(self) -> float:
        return self.crowd.now

    def busy(self) -> bool:
        return bool(self.calls)

    # -- what asyncio tells -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.crowd.connections.add(self)
        ours = {MAX_CONCURRENT_STREAMS: STREAMS, INITIAL_WINDOW_SIZE: OURS, MAX_FRAME_SIZE: OURS,
                MAX_HEADER_LIST_SIZE: LARGEST}  # fmt: skip
        transport.write(settings(ours) + frame(WINDOW_UPDATE, 0, 0, LONG.pack(ALL - WINDOW)))  # type: ignore[attr-defined]

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self.crowd.connections.discard(self)
        self.crowd.held -= sum(call.size for call in self.calls.values())
        for call in self.calls.values():
            call.left()
        self.calls.clear()
        self.kinds.clear()  # they know us: a ring that only a collection of garbage would find

    def pause_writing(self) -> None:
        self.stuck = self.now()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.stuck = 0.0
        self.transport.resume_reading()
        self._pump_all()

    # -- calls ------------------------------------------------------------------------------------------------

    def _headers(self, flags: int, stream: int, payload: bytes) -> None:
        block = unpadded(payload, flags) if flags & (PADDED | PRIORITISED) else payload
        if flags & END_HEADERS:
            self._block(flags, stream, block)
        else:
            self.partial = stream, flags, [block]

    def _continuation(self, flags: int, stream: int, payload: bytes) -> None:
        if self.partial is None or self.partial[0] != stream:
            raise ProtocolError(PROTOCOL_ERROR, "a block of headers goes on that was not begun")
        _, first, pieces = self.partial
        pieces.append(payload)
        if sum(map(len, pieces)) > LARGEST or len(pieces) > 64:
            raise ProtocolError(ENHANCE_YOUR_CALM, f"headers of more than {LARGEST} bytes")
        if flags & END_HEADERS:
            self.partial = None
            self._block(first, stream, b"".join(pieces))

    def _block(self, flags: int, stream: int, block: bytes) -> None:
        fields = self.blocks.read(block)  # also of a call that is refused: it may change the table
        known = self.calls.get(stream)
        if known is not None:
            if not flags & END_STREAM or known.ended:
                raise ProtocolError(PROTOCOL_ERROR, "headers after headers")
            known.whole()
            return
        if stream % 2 == 0:
            raise ProtocolError(PROTOCOL_ERROR, f"stream {stream} is not a client's")
        if stream <= self.last:
            raise ProtocolError(STREAM_CLOSED, f"stream {stream} is over")
        self.last = stream
        if len(self.calls) >= STREAMS or self.ending:
            self.transport.write(frame(RST_STREAM, 0, stream, LONG.pack(REFUSED_STREAM)))
            return
        call = self.calls[stream] = self.front.call(self, stream, fields)
        if self.front.lets_in is not None and not self.front.lets_in(call):
            return
        if flags & END_STREAM:
            call.whole()

    def _data(self, flags: int, stream: int, payload: bytes) -> None:
        self.heard += len(payload)
        if self.heard > ALL:
            raise ProtocolError(FLOW_CONTROL_ERROR, "more data than the window has room for")
        if self.heard > ALL // 2:
            self.transport.write(frame(WINDOW_UPDATE, 0, 0, LONG.pack(self.heard)))
            self.heard = 0
        call = self.calls.get(stream)
        if call is None or call.ended:
            if stream > self.last or not stream:
                raise ProtocolError(PROTOCOL_ERROR, "data of a stream that was not opened")
            return  # of a call that was answered before all was heard
        part = unpadded(payload, flags & PADDED) if flags & PADDED else payload
        call.add(part)
        if call.done:
            return
        if flags & END_STREAM:
            call.whole()
        elif payload:
            call.took(len(payload))

    def over(self, call: Call) -> None:
        """CALL is answered."""
        self.calls.pop(call.stream, None)
        self.crowd.held -= call.size
        self.cancels = max(0, self.cancels - 1)
        if not call.ended and not self.lost:  # nothing more is wanted of it
            self.transport.write(frame(RST_STREAM, 0, call.stream, LONG.pack(NO_ERROR)))
        if self.ending and not self.calls:
            self.transport.close()

    def _reset(self, flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != LONG.size:
            raise ProtocolError(FRAME_SIZE_ERROR, "a reset has four bytes")
        if not stream or stream > self.last:
            raise ProtocolError(PROTOCOL_ERROR, "a stream is reset that was not opened")
        call = self.calls.pop(stream, None)
        if call is not None:
            self.crowd.held -= call.size
            call.left()
            self.cancels += 1
            if self.cancels > CANCELS:
                raise ProtocolError(ENHANCE_YOUR_CALM, "calls are opened to be cancelled")

    def _window_of_streams(self, value: int) -> None:
        if value > LARGEST_WINDOW:
            raise ProtocolError(FLOW_CONTROL_ERROR, f"a window of {value} bytes")
        for call in self.calls.values():
            call.window += value - self.window_of_streams
        self.window_of_streams = value

    def _window(self, flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != LONG.size:
            raise ProtocolError(FRAME_SIZE_ERROR, "a window has four bytes")
        more = LONG.unpack(payload)[0] & LARGEST_WINDOW
        if not more:
            raise ProtocolError(PROTOCOL_ERROR, "a window opens by nothing")
        if not stream:
            self.window += more
            if self.window > LARGEST_WINDOW:
                raise ProtocolError(FLOW_CONTROL_ERROR, "the window is too large")
            self._pump_all()
        elif stream in self.calls:
            call = self.calls[stream]
            call.window += more
            if call.window > LARGEST_WINDOW:
                raise ProtocolError(FLOW_CONTROL_ERROR, "the window is too large")
            self.pump(call)
        elif stream > self.last:
            raise ProtocolError(PROTOCOL_ERROR, "a window of a stream that was not opened")

    # -- answers ----------------------------------------------------------------------------------------------

    def pump(self, call: Call) -> None:
        """Write of CALL what the windows let out."""
        waiting = call.waiting
        while waiting and not self.lost and not self.stuck:
            first = waiting[0]
            if not first:
                waiting.popleft()
                call.finish()
                return
            size = min(len(first), self.window, call.window, self.largest)
            if size <= 0:
                return
            self.window -= size
            call.window -= size
            self.transport.write(frame(DATA, 0, call.stream, bytes(first[:size])))
            self.idle, self.moved = 0, self.now()
            if size == len(first):
                waiting.popleft()
            else:
                waiting[0] = first[size:]
        if not waiting:
            call.moved()

    def _pump_all(self) -> None:
        for call in [call for call in self.calls.values() if call.waiting]:
            self.pump(call)

    def end(self, code: int = NO_ERROR, what: str = "") -> None:
        super().end(code, what)
        if code == NO_ERROR:
            for call in list(self.calls.values()):
                call.stop()

    def overdue(self, now: float) -> None:
        """End what takes longer than it may."""
        limits = self.crowd.limits
        waits = any(call.waiting for call in self.calls.values())
        if (
            (not self.prefaced and now - self.since > limits.head_seconds)
            or (self.stuck and now - self.stuck > limits.write_seconds)
            or (waits and now - self.moved > limits.write_seconds)
            or (self.ending and now - self.since > limits.idle_seconds)
        ):
            self.transport.abort()
            return
        self.idle = 0
        for call in list(self.calls.values()):
            if call.late(now):
                call.refuse(DEADLINE_EXCEEDED, f"the message did not arrive within {limits.body_seconds:g} s")
