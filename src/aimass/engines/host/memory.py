"""Memory that two processes see and nobody else can find."""

from __future__ import annotations

import fcntl
import os
import tempfile

from aimass.engines.host.wire import Region

PAGE = 1 << 21  # bytes: the largest page, so that both halves begin with one


def shared_memory(room_mb: float) -> tuple[int, int]:
    """(file descriptor, bytes of a half) of memory for ROOM_MB megabytes each way; none of it is taken yet.

    It has no name, so nothing is left of it when the last who has it is gone.  On Linux it is sealed: a process that
    shortened it would end whoever reads on.
    """
    room = -(-int(room_mb * 1e6) // PAGE) * PAGE
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryFile() as file:
            os.ftruncate(file.fileno(), 2 * room)
            return os.dup(file.fileno()), room
    number = os.memfd_create("aimass-host", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.ftruncate(number, 2 * room)
    fcntl.fcntl(number, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return number, room


def mapped(number: int, room: int) -> tuple[Region, Region]:
    """What is asked and what is answered, ROOM bytes each, in the memory NUMBER."""
    return Region(number, 0, room), Region(number, room, room)
