"""Frames of HTTP/2: nine bytes of head, then a payload (RFC 9113, section 4.1)."""

from __future__ import annotations

import struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITISED = 0x4, 0x8, 0x20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Errors (section 7) and settings (section 6.5.2) that are spoken here.
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED = 0x0, 0x1, 0x3, 0x5
FRAME_SIZE_ERROR, REFUSED_STREAM, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 0x6, 0x7, 0x9, 0xB
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 0x3, 0x4, 0x5, 0x6

WINDOW, FRAME = 65_535, 16_384  # until a side says otherwise
LARGEST_WINDOW = (1 << 31) - 1

HEAD = struct.Struct(">IBI")  # 24 bits of length and 8 of kind; flags; stream
LONG = struct.Struct(">I")
SETTING = struct.Struct(">HI")


class ProtocolError(Exception):
    """What a peer may not do; it ends the connection with CODE."""

    def __init__(self, code: int, what: str) -> None:
        super().__init__(what)
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return HEAD.pack(len(payload) << 8 | kind, flags, stream) + payload


def settings(values: dict[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(*item) for item in values.items()))


def unpadded(payload: bytes, flags: int) -> bytes:
    """PAYLOAD without padding and priority.  Raises ProtocolError."""
    end = len(payload)
    begin = 0
    if flags & PADDED:
        if not payload or payload[0] >= end:
            raise ProtocolError(PROTOCOL_ERROR, "the padding is longer than the frame")
        begin, end = 1, end - payload[0]
    if flags & PRIORITISED:
        begin += 5
    if begin > end:
        raise ProtocolError(PROTOCOL_ERROR, "the frame is shorter than it says")
    return payload[begin:end] if begin or end < len(payload) else payload
