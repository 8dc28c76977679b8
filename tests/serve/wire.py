"""A transport that keeps what is written."""

from __future__ import annotations

import asyncio


class Wire:
    """Nothing may be written once it is closed."""

    def __init__(self) -> None:
        self.sent, self.closed, self.reading = b"", False, True
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def can_write_eof(self) -> bool:
        return True

    abort = write_eof = close

    def is_closing(self) -> bool:
        return self.closed

    def set_protocol(self, other: asyncio.BaseProtocol) -> None:
        self.protocol = other

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
