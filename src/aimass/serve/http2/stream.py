"""A gRPC call whose caller sends messages one after the other, and is answered as they are answered.

What is under way is bounded: the window of a caller who has enough to wait for is not opened, so it waits to send more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aimass.serve.http2.blocks import Fields
from aimass.serve.http2.call import INVALID_ARGUMENT, PREFIX, UNAVAILABLE, Call

if TYPE_CHECKING:
    from aimass.serve.http2.connection import Connection

AT_ONCE = 128  # messages of a call that were heard and not answered, or whose answers are not out


class Stream(Call):
    """HEAR is given each message, and whether it is packed; who answers it calls `write`, and `answered` after that."""

    __slots__ = ("cutting", "hear", "held_back", "stopping", "under_way")

    def __init__(
        self, connection: Connection, stream: int, fields: Fields, hear: Callable[[Stream, bool, bytes], None]
    ) -> None:
        super().__init__(connection, stream, fields)
        self.hear = hear
        self.under_way = self.held_back = 0  # messages; bytes of the window
        self.cutting = self.stopping = False

    # -- what comes in ----------------------------------------------------------------------------------------

    @property
    def too_large(self) -> bool:
        """Whether the message that comes in is."""
        said = PREFIX.unpack_from(self.coming)[1] if len(self.coming) >= PREFIX.size else 0
        return bool(said > self.connection.crowd.limits.body)

    def took(self, size: int) -> None:
        self.held_back += size
        self._go_on()

    def whole(self) -> None:
        self.ended = True
        self._go_on()

    def moved(self) -> None:
        self._go_on()

    def late(self, now: float) -> bool:
        return bool(self.coming) and self._has_room() and super().late(now)

    def stop(self) -> None:
        """Nothing more is asked for: what was heard is answered."""
        self.stopping = True
        self._go_on()

    def grew(self, by: int) -> None:
        """A message was unpacked."""
        self.size += by
        self.connection.crowd.held += by

    def answered(self, size: int) -> None:
        """A message of SIZE bytes is."""
        if self.done or self.gone:
            return
        self.under_way -= 1
        self.size -= size
        self.connection.crowd.held -= size
        self._go_on()

    # -- one after the other ----------------------------------------------------------------------------------

    def _has_room(self) -> bool:
        return self.under_way + len(self.waiting) < AT_ONCE

    def _go_on(self) -> None:
        """Let be heard what is whole; then ask for more, or end."""
        if self.cutting:  # who is told of a message may answer it at once
            return
        self.cutting = True
        while not self.done and self._has_room() and self._cut():
            self.began = self.connection.now()
        self.cutting = False
        if self.done or not self._has_room():
            return
        if self.held_back and not self.ended and not self.stopping:
            super().took(self.held_back)
            self.held_back = 0
        if not self.under_way and not self.waiting and (self.ended or self.stopping):
            self._leave()

    def _cut(self) -> bool:
        """Whether a message was whole, and is heard now."""
        if len(self.coming) < PREFIX.size or self.gone:
            return False
        packed, length = PREFIX.unpack_from(self.coming)
        end = PREFIX.size + length
        if len(self.coming) < end:
            return False
        message = bytes(self.coming[PREFIX.size : end])
        del self.coming[:end]
        self.size -= PREFIX.size
        self.connection.crowd.held -= PREFIX.size
        self.under_way += 1
        self.hear(self, bool(packed), message)
        return True

    def _leave(self) -> None:
        if not self.ended:
            self.refuse(UNAVAILABLE, "the server is about to end")
        elif self.coming:
            self.refuse(INVALID_ARGUMENT, "the call ends inside a message")
        else:
            self.end()
