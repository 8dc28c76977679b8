"""A client of a server that gives back what it is sent."""

from __future__ import annotations

import struct
from typing import Any

import hpack
from tests.serve import wire

from aimass.serve.http.crowd import Crowd
from aimass.serve.http.limits import Limits
from aimass.serve.http2 import frames as f
from aimass.serve.http2.call import Call
from aimass.serve.http2.frames import frame
from aimass.serve.http2.front import Front
from aimass.serve.http2.stream import Stream

ECHO = "/test/Echo"
STREAM = "/test/Stream"


class Wire(wire.Wire):
    """What comes behind the end is dropped: who is told that a connection ends may still answer."""

    def write(self, data: bytes) -> None:
        if not self.closed:
            super().write(data)


class Talk:
    """A client of a server whose two methods give back what they are sent, at once or when they are told to."""

    def __init__(self, at_once: bool = True, **limits: Any) -> None:
        self.at_once, self.calls = at_once, list[Call]()
        streams = {STREAM.encode(): self.hear_one}
        self.heard = list[tuple[Stream, bytes]]()
        self.front = Front({ECHO.encode(): self.hear}, Crowd(Limits(**limits)), streams=streams)
        self.connection, self.wire = self.front.connection(), Wire()
        self.connection.connection_made(self.wire)  # type: ignore[arg-type]
        self.encoder = hpack.Encoder()

    def hear(self, call: Call) -> None:
        self.calls.append(call)
        if self.at_once:
            call.reply(bytes(call.body))

    def hear_one(self, call: Stream, message: bytes) -> None:
        self.heard.append((call, message))
        if self.at_once:
            self.answer()

    def answer(self) -> None:
        """The message of a stream that was heard first."""
        call, message = self.heard.pop(0)
        call.write(message)
        call.answered(len(message))

    def head(self, stream: int, flags: int = f.END_HEADERS, path: str = ECHO, **more: str) -> bytes:
        fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "a", "te": "trailers",
                  "content-type": "application/grpc"}  # fmt: skip
        block = self.encoder.encode(list({**fields, **{k.replace("_", "-"): v for k, v in more.items()}}.items()))
        return frame(f.HEADERS, flags, stream, block)

    def call(self, stream: int, message: bytes, **more: str) -> bytes:
        return self.head(stream, **more) + frame(f.DATA, f.END_STREAM, stream, packed(message))

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            if piece and not self.wire.closed:
                self.connection.data_received(piece)

    def frames(self) -> list[tuple[int, int, int, bytes]]:
        """What was written since the last time: kind, flags, stream, payload."""
        data, self.wire.sent = self.wire.sent, b""
        found = []
        while data:
            said, flags, stream = f.HEAD.unpack_from(data)
            end = 9 + (said >> 8)
            found.append((said & 0xFF, flags, stream, data[9:end]))
            data = data[end:]
        return found

    def answers(self) -> dict[int, tuple[bytes, dict[str, str]]]:
        """By stream: what came as data, and the fields, of calls that are over."""
        decoder = hpack.Decoder()
        data: dict[int, bytes] = {}
        fields: dict[int, dict[str, str]] = {}
        over = {}
        for kind, flags, stream, payload in self.frames():
            if kind == f.DATA:
                data[stream] = data.get(stream, b"") + payload
            if kind == f.HEADERS:
                fields.setdefault(stream, {}).update(dict(decoder.decode(payload)))
                if flags & f.END_STREAM:
                    over[stream] = data.get(stream, b""), fields[stream]
        return over

    def error(self) -> int | None:
        """The code of the last words, if they were said."""
        found = [payload for kind, _, _, payload in self.frames() if kind == f.GOAWAY]
        return f.LONG.unpack_from(found[-1], 4)[0] if found else None


def packed(message: bytes) -> bytes:
    return struct.pack(">BI", 0, len(message)) + message


def begun(**options: Any) -> Talk:
    talk = Talk(**options)
    talk.send(f.PREFACE + f.settings({}))
    return talk
