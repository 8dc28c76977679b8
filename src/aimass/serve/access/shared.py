"""Tallies in memory that several processes see: what a key may take holds for all of them together.

Whoever is killed, at whatever moment, leaves numbers that are whole, and no lock: the kernel's locks end with their
holder, and each number is one word that is written at once.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, lockf
from types import TracebackType

from aimass.core.errors import InputError
from aimass.serve.access.tally import NEVER, REQUESTS, ROWS, Tallies, Tally

WORD, RECORD = 8, 8  # bytes; words of a key: its id, its numbers, and a rest that keeps keys apart in the caches
MOST = 1 << 18  # records: more than a file of keys can hold lines; memory is taken by those that are used
AT_ONCE, TAKEN = LOCK_EX | LOCK_NB, (BlockingIOError, PermissionError)  # which of them, systems do not agree on
PATIENCE, PAUSE, REST = 0.1, 2e-5, 1.0  # seconds: to wait for a lock, between looks, and without waiting after that


def shared_tallies() -> int:
    """A descriptor of memory for tallies, without a name: nothing is left when the last who has it is gone."""
    size = MOST * RECORD * WORD
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("aimass-tallies", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            number = os.dup(file.fileno())
    os.ftruncate(number, size)
    return number


class SharedTally(Tally):
    """One in MEMORY that all see."""

    __slots__ = ("held", "memory", "number", "place")

    def __init__(self, memory: Shared, at: int) -> None:
        super().__init__(memory.words, at)
        self.memory, self.number, self.place = memory, memory.number, at * WORD
        self.held = False

    def __enter__(self) -> None:
        """As good as always at once: so nothing else is called."""
        try:
            lockf(self.number, AT_ONCE, WORD, self.place)
        except TAKEN:
            self.held = self.memory.waited(self.place)
        else:
            self.held = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.held:
            lockf(self.number, LOCK_UN, WORD, self.place)


class Shared(Tallies):
    """In the memory NUMBER, which `shared_tallies` made.  Used by one thread of a process.

    The first record says how many keys there are; each of the others is a key's, for as long as the memory lasts.
    """

    shared = True

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.words = memoryview(mmap.mmap(number, 0)).cast("d")
        self.stuck = NEVER  # until when nobody is waited for

    def _new(self, id: str) -> Tally:
        lockf(self.number, LOCK_EX, WORD, 0)
        try:
            self._learn()
            if id not in self.known:
                self._add(id)
        finally:
            lockf(self.number, LOCK_UN, WORD, 0)
        return self.known[id]

    def _add(self, id: str) -> None:
        """A record counts once all of it is written."""
        place = len(self.known) + 1
        if place >= MOST:
            what = f"{MOST} keys with rates or quotas have been there since the server was started"
            raise InputError(what, todo="start it anew")
        at = place * RECORD
        self.words[at + 1 + REQUESTS] = self.words[at + 1 + ROWS] = NEVER
        self.words[at] = float(int(id, 16))
        self.words[0] = place
        self._learn()

    def _learn(self) -> None:
        """Of keys that others have added."""
        for place in range(len(self.known) + 1, int(self.words[0]) + 1):
            at = place * RECORD
            self.known[f"{int(self.words[at]):012x}"] = SharedTally(self, at + 1)

    def all(self) -> Iterator[tuple[str, Tally]]:
        self._learn()
        yield from super().all()

    def waited(self, place: int) -> bool:
        """Whether the lock at PLACE, which another one holds, came to be ours.

        Who stands still in the middle of a change (stopped, or swapped out) keeps nobody else waiting for long: then
        they go on without.  What is lost of that, when it goes on with what it had read, is one burst at most.
        """
        until = time.monotonic() + PATIENCE
        while self.stuck < time.monotonic() < until:
            time.sleep(PAUSE)
            with suppress(*TAKEN):
                lockf(self.number, AT_ONCE, WORD, place)
                return True
        if self.stuck < until - PATIENCE:
            self.stuck = until + REST
        return False
