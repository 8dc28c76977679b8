"""Starts the processes of workers, one of them ahead: it has imported all it needs, and waits for its order.

Nine tenths of what a start takes are imports.  They are made before a seat is empty, not while it is.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any

from aimass.serve.workers.channel import Answering
from aimass.serve.workers.child import Child
from aimass.serve.workers.sockets import Sockets


class Starting:
    """Runs COMMAND with all SOCKETS and the descriptor of TALLIES, where keys are asked for.  KNOWN answers what
    workers ask, given the one who does.  SPARES: whether any is started ahead.
    """

    def __init__(
        self, command: Sequence[str], sockets: Sequence[Sockets], tallies: int | None, known: Mapping[str, Answering],
        *, spares: bool,
    ) -> None:  # fmt: skip
        self.command, self.tallies, self.known = command, tallies, known
        self.numbers = [[sock.fileno() for sock in one] for one in sockets]
        self.spares = spares
        self.spare: Child | None = None
        self.lock = asyncio.Lock()  # one is started at a time

    async def child(self, number: int, plans: Mapping[str, Any] | None) -> Child:
        """One for the seat NUMBER, that serves PLANS, if there are any yet.  Raises OSError."""
        async with self.lock:
            child, self.spare = self.spare, None
        if child is None or child.ended.is_set():
            child = await self._started()
        child.seated(number, {
            "number": number, "parent": os.getpid(), "sockets": self.numbers, "tallies": self.tallies, "plans": plans,
        })  # fmt: skip
        return child

    async def ahead(self) -> None:
        """Let one wait for the next seat that is empty.  Raises OSError."""
        async with self.lock:
            if self.spares and (self.spare is None or self.spare.ended.is_set()):
                self.spare = await self._started()

    async def _started(self) -> Child:
        child = Child(self.command, self.known)
        passed = {number for one in self.numbers for number in one}
        await child.start(passed | ({self.tallies} if self.tallies is not None else set()))
        return child

    async def close(self) -> None:
        """End who waits."""
        async with self.lock:
            child, self.spare = self.spare, None
        if child is not None:
            child.channel.close()  # it has nothing to say
            child.kill("was not needed any more")
            await child.ended.wait()
