"""What is true of every HTTP/2 connection: frames are cut out of bytes, settings and pings are answered.

Nothing is known of streams here; see `connection`.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from aimass.serve.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    ENHANCE_YOUR_CALM,
    FRAME,
    FRAME_SIZE_ERROR,
    GOAWAY,
    HEAD,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    LARGEST_WINDOW,
    LONG,
    MAX_FRAME_SIZE,
    NO_ERROR,
    PING,
    PREFACE,
    PRIORITY,
    PROTOCOL_ERROR,
    RST_STREAM,
    SETTING,
    SETTINGS,
    WINDOW,
    WINDOW_UPDATE,
    ProtocolError,
    frame,
)  # fmt: skip

OURS = 1 << 20  # bytes: our largest frame, and our window of a stream
LARGEST = 64 << 10  # bytes of any frame but of data
IDLE_FRAMES = 1000  # frames in a row that ask for nothing


class Peer(asyncio.Protocol):
    """The other side, and what it allows."""

    transport: Any  # asyncio.Transport

    def __init__(self) -> None:
        self.lost = self.ending = False
        self.pieces: list[bytes] = []  # of frames that are not whole
        self.came = self.wanted = 0  # bytes of them, and how many the first frame has
        self.prefaced = False
        self.partial: tuple[int, int, list[bytes]] | None = None  # a block of headers that goes on
        self.last = 0  # the highest stream that was opened
        self.idle = 0
        self.window, self.window_of_streams, self.largest = WINDOW, WINDOW, FRAME
        self.since = self.now()  # the last byte
        self.kinds: dict[int, Callable[[int, int, bytes], None]] = {
            DATA: self._data, HEADERS: self._headers, PRIORITY: self._priority, RST_STREAM: self._reset,
            SETTINGS: self._settings, PING: self._ping, GOAWAY: self._goaway, WINDOW_UPDATE: self._window,
            CONTINUATION: self._continuation,
        }  # fmt: skip

    def data_received(self, data: bytes) -> None:
        self.since = self.now()
        self.pieces.append(data)
        self.came += len(data)
        if self.came < self.wanted:  # the frame is not whole: it is put together once
            return
        whole = data if len(self.pieces) == 1 else b"".join(self.pieces)
        self.pieces.clear()
        self.came = self.wanted = 0
        try:
            rest = self._taken(whole)
        except ProtocolError as error:
            self.end(error.code, str(error))
        else:
            if rest:
                self.pieces.append(rest)
                self.came = len(rest)

    def _taken(self, data: bytes) -> bytes:
        """Take the whole frames in DATA; the rest of it."""
        at = 0
        if not self.prefaced:
            if len(data) < len(PREFACE) and PREFACE.startswith(data):
                return data
            if not data.startswith(PREFACE):
                raise ProtocolError(PROTOCOL_ERROR, "this is not HTTP/2")
            self.prefaced, at = True, len(PREFACE)
        while len(data) - at >= HEAD.size and not self.transport.is_closing():
            said, flags, stream = HEAD.unpack_from(data, at)
            length, kind = said >> 8, said & 0xFF
            most = OURS if kind == DATA else LARGEST  # what others say costs more than it weighs
            if length > most:
                raise ProtocolError(FRAME_SIZE_ERROR, f"a frame of {length} bytes, where {most} are the most")
            begin = at + HEAD.size
            if len(data) - begin < length:
                self.wanted = HEAD.size + length
                break
            at = begin + length
            self._frame(kind, flags, stream & LARGEST_WINDOW, data[begin:at])
        return data[at:] if at else data

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self.partial and kind != CONTINUATION:
            raise ProtocolError(PROTOCOL_ERROR, "a block of headers was begun and not ended")
        take = self.kinds.get(kind)
        self.idle = 0 if kind in (HEADERS, DATA) and payload else self.idle + 1
        if self.idle > IDLE_FRAMES:
            raise ProtocolError(ENHANCE_YOUR_CALM, "many frames that ask for nothing")
        if take is not None:  # what is not known is passed over
            take(flags, stream, payload)

    def _settings(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) % SETTING.size:
            raise ProtocolError(FRAME_SIZE_ERROR if not stream else PROTOCOL_ERROR, "these are no settings")
        if flags & ACK:
            return
        for name, value in dict(SETTING.iter_unpack(payload)).items():
            if name == INITIAL_WINDOW_SIZE:
                self._window_of_streams(value)
            elif name == MAX_FRAME_SIZE:
                if not FRAME <= value < 1 << 24:
                    raise ProtocolError(PROTOCOL_ERROR, f"frames of {value} bytes")
                self.largest = value
        self.transport.write(frame(SETTINGS, ACK, 0))
        self._pump_all()

    def _ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) != 8:
            raise ProtocolError(FRAME_SIZE_ERROR if not stream else PROTOCOL_ERROR, "this is no ping")
        if not flags & ACK:
            self.transport.write(frame(PING, ACK, 0, payload))

    def _goaway(self, flags: int, stream: int, payload: bytes) -> None:
        """The peer opens no more."""
        self.ending = True
        if not self.busy():
            self.transport.close()

    def _priority(self, flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != 5:
            raise ProtocolError(FRAME_SIZE_ERROR, "a priority has five bytes")

    def warn(self) -> None:
        """Say that an end is near; what the peer has sent by then is still answered (RFC 9113, section 6.8)."""
        if not self.lost and not self.ending:
            self.transport.write(frame(GOAWAY, 0, 0, LONG.pack(LARGEST_WINDOW) + LONG.pack(NO_ERROR)))

    def end(self, code: int = NO_ERROR, what: str = "") -> None:
        """Open no more; with an error end at once, else with the last answer."""
        if self.lost or (self.ending and code == NO_ERROR):
            return
        self.ending = True
        self.transport.write(frame(GOAWAY, 0, 0, LONG.pack(self.last) + LONG.pack(code) + what.encode()))
        if code != NO_ERROR or not self.busy():
            self.transport.close()

    # -- what is done about streams ---------------------------------------------------------------------------

    @abstractmethod
    def now(self) -> float:
        """Seconds, as the front counts them."""

    @abstractmethod
    def busy(self) -> bool:
        """Whether a stream is open."""

    @abstractmethod
    def _headers(self, flags: int, stream: int, payload: bytes) -> None: ...

    @abstractmethod
    def _continuation(self, flags: int, stream: int, payload: bytes) -> None: ...

    @abstractmethod
    def _data(self, flags: int, stream: int, payload: bytes) -> None: ...

    @abstractmethod
    def _reset(self, flags: int, stream: int, payload: bytes) -> None: ...

    @abstractmethod
    def _window(self, flags: int, stream: int, payload: bytes) -> None: ...

    @abstractmethod
    def _window_of_streams(self, value: int) -> None:
        """The peer's window of each stream is VALUE from now on."""

    @abstractmethod
    def _pump_all(self) -> None:
        """Write what waited for a window."""
