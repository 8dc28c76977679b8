"""All who are connected, whatever they speak: how many, what is held for them, and what time it is."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sized
from functools import partial
from itertools import count
from typing import Protocol

from aimass.serve.http.answers import Clock
from aimass.serve.http.limits import Limits
from aimass.serve.metrics import Counts

log = logging.getLogger("aimass.serve")


class Connected(Protocol):
    """A connection, as those see it who must end it."""

    speaks: str  # the protocol, for those who count
    transport: asyncio.Transport

    @property
    def open(self) -> Sized:
        """Requests that wait for their answers."""

    def overdue(self, now: float) -> None:
        """End what takes longer than it may."""

    def warn(self) -> None:
        """Say that an end is near."""

    def end(self) -> None:
        """Hear nothing more; end with the last answer."""


class Numbers:
    """Ids that no other answer has."""

    def __init__(self) -> None:
        self.prefix, self.count = secrets.token_hex(4), count(1)

    def __call__(self) -> str:
        return f"{self.prefix}-{next(self.count)}"


class Crowd:
    """Of one server.  `held` are bytes of requests under way, `now` is the time to a second."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self.connections: set[Connected] = set()
        self.held = 0
        self.counts = Counts()  # of what no model answers
        self.now = time.monotonic()
        self.clock, self.number = Clock(), Numbers()
        self.duties: list[Callable[[], None]] = []  # what else is looked at once a second

    @property
    def full(self) -> bool:
        """Whether there are more connections than there may be."""
        return len(self.connections) > self.limits.connections

    @property
    def under_way(self) -> int:
        """Requests that wait for their answers."""
        return sum(len(one.open) for one in self.connections)

    async def watch(self) -> None:
        """Once a second, for ever: the date, and callers who take too long."""
        while True:
            self.now = time.monotonic()
            self.clock.tick()
            looks: list[Callable[[], None]] = [partial(one.overdue, self.now) for one in self.connections]
            for look in (*looks, *self.duties):
                try:
                    look()
                except Exception:  # logged whole; the others are looked at
                    log.exception("a connection cannot be looked at")
            await asyncio.sleep(1)

    def warn(self) -> None:
        """Tell all that an end is near, while they may still ask."""
        for connection in list(self.connections):
            connection.warn()

    def end(self) -> None:
        """End connections that wait for nothing; the others end with their answers."""
        for connection in list(self.connections):
            connection.end()

    def abort(self) -> None:
        """End every connection, as it is."""
        for connection in list(self.connections):
            connection.transport.abort()
