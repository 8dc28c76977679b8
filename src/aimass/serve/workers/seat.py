"""The place of a worker: sockets that stay, and one process after the other that answers on them.

A worker that died, hangs or failed to load is followed by another, later each time; after too many failures the seat is
in quarantine, with the reason, and a neighbour answers on its sockets, too.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from aimass.core.errors import AimassError, TaskFailed
from aimass.engines.host.failures import Failures
from aimass.serve.messages import Refused
from aimass.serve.workers.channel import Gone
from aimass.serve.workers.child import LEAVING, READY, Child
from aimass.serve.workers.settings import Workers

QUARANTINED, WAITING = "quarantined", "waiting"
REST = 30.0  # seconds after which a place is taken again, where that failed
FAREWELL = 60.0  # seconds in which one that leaves may write what it has logged
LATE = 0.3  # of the silence that ends a worker: then its neighbours answer in its place

Start = Callable[[int], Awaitable[Child]]


class Seat:
    """Number NUMBER.  START makes a process, JOIN lets one that has loaded its models answer, OVER is told of an end,
    CHANGED that another should answer in its place, or need not any more."""

    def __init__(
        self, number: int, settings: Workers, *, start: Start, join: Callable[[Child], Awaitable[None]],
        over: Callable[[Child], None], changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self.number, self.settings = number, settings
        self.start, self.join, self.over, self.changed = start, join, over, changed
        self.child: Child | None = None  # who sits here
        self.others: set[Child] = set()  # who comes, and who leaves
        self.failures = Failures(settings.worker_failures, settings.worker_window)
        self.error: AimassError | None = None  # of the last one, where it never was ready
        self.quarantined = False
        self.restarts = 0
        self.small = True  # when it began, its memory was within the limit
        self.rests = 0.0  # until when nobody takes its place for its memory: the last who should have could not begin
        self.stopping = False
        self.wake = asyncio.Event()
        self.begun = asyncio.Event()  # the first has joined, or none will
        self.lock = asyncio.Lock()  # one comes at a time

    # -- one after the other --------------------------------------------------------------------------------------

    async def keep(self) -> None:
        """For ever, or until `stopping`."""
        while not self.stopping:
            child = await self._seated()
            if child is not None:
                await child.ended.wait()
                while (other := self.child) is not None and other is not child:  # it was renewed
                    child = other
                    await child.ended.wait()
            if not self.stopping:
                await self._pause(child)

    async def _seated(self) -> Child | None:
        """A new one, which answers; None when that failed."""
        async with self.lock:
            if self.child is not None and not self.child.ended.is_set():
                return self.child
            child = await self.come()
        if child is not None and not child.ended.is_set():
            self.child = child
            self.begun.set()
            self.changed()
        return child

    async def come(self) -> Child | None:
        """Start one and let it answer; None when it failed, and `error` says why."""
        try:
            child = await self.start(self.number)
        except OSError as error:
            self.error = TaskFailed(f"no process can be started: {error}", todo="look at memory and limits")
            return None
        self.others.add(child)
        try:
            await asyncio.wait_for(self._greeted(child), self.settings.worker_start_seconds)
        except TimeoutError:
            child.kill(f"was not ready after {self.settings.worker_start_seconds:g} s")
            await child.ended.wait()
        except (AimassError, Refused, Gone) as error:  # it loaded something else than what is wanted by now
            child.kill(f"could not begin: {error}")
            await child.ended.wait()
        self.others.discard(child)
        if child.state != READY or child.ended.is_set():
            self.error = child.failure()
            self.over(child)
            return None
        self.error, self.small = None, not self._large(child)
        return child

    async def _greeted(self, child: Child) -> None:
        await child.greeted.wait()
        if not child.ended.is_set():
            await self.join(child)

    async def _pause(self, child: Child | None) -> None:
        """After an end: count it, say it, and wait."""
        if child is not None:
            self.over(child)
        self.child = None
        self.changed()
        if child is not None and child.state == LEAVING:
            return  # it was asked to, from outside
        why = child.why if child is not None else (self.error.what if self.error else "did not start")
        wait = self.failures.add(why)
        if child is not None and wait is not None:
            wait = max(0.0, wait - (time.monotonic() - child.began))  # a pause between starts, not after an end
        self.wake.clear()
        if wait is None:
            self.quarantined = True
            self.begun.set()
            told = f"is in quarantine: {self.failures.most} failures in {self.failures.window:g} s, the last: {why}"
            self._say(told)
            self.changed()
            await self.wake.wait()
            self.quarantined = False
            self.failures = Failures(self.settings.worker_failures, self.settings.worker_window)
            return
        if self.begun.is_set():
            self._say(f"{why}; another one starts" + (f" in {wait:.2g} s" if wait else ""))
        self.restarts += 1
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), wait)

    def _say(self, what: str) -> None:
        print(f"worker {self.number} {what}", file=sys.stderr, flush=True)

    async def renew(self, why: str) -> bool:
        """Another takes the seat before the one that sits there leaves; whether that worked.  Nobody is lost."""
        if self.quarantined or self.child is None:
            self.wake.set()
            return True
        async with self.lock:
            before = self.child
            if before is None:  # it died meanwhile, and is followed anyway
                return True
            after = await self.come()
            if after is None:
                self.rests = time.monotonic() + REST
                if not self.stopping:
                    self._say(f"stays, though {why}: the next one {self.error.what if self.error else 'did not start'}")
                return False
            self.child = after
            self.restarts += 1
            self.others.add(before)
        before.channel.tell("leave")
        self.changed()
        await before.ended.wait()
        self.others.discard(before)
        self.over(before)
        return True

    # -- watching -------------------------------------------------------------------------------------------------

    def look(self) -> str:
        """Once a second: end one that hangs; gives why one should be renewed, nothing where it need not be."""
        for child in self.all():
            most = self.settings.worker_silent_seconds if child.state != LEAVING else FAREWELL
            if child.said is not None and child.silent() > most:
                child.kill(f"said nothing for {most:g} s")
        sits = self.child
        if sits is None or self.lock.locked() or time.monotonic() < self.rests:
            return ""
        if not self.small or not self._large(sits):
            return ""
        return f"it holds more than the {self.settings.worker_memory_mb} MB it may"

    def _large(self, child: Child) -> bool:
        most = self.settings.worker_memory_mb
        return bool(most) and child.memory() >> 20 > most

    @property
    def answers(self) -> Child | None:
        """Who answers here, as far as one can tell."""
        child = self.child
        if child is None or child.ended.is_set() or child.state != READY:
            return None
        return child if child.silent() < LATE * self.settings.worker_silent_seconds + 1 else None

    def all(self) -> list[Child]:
        """Every process of this seat."""
        here = {*self.others, *([self.child] if self.child else [])}
        return [child for child in here if not child.ended.is_set()]

    def as_json(self) -> dict[str, Any]:
        """Its state, for those who look."""
        facts = self.child.as_json() if self.child else {"state": QUARANTINED if self.quarantined else WAITING}
        why = {"why": self.failures.last} if self.failures.last else {}
        large = {} if self.small else {"note": "it holds more memory than it may, and so did it when it began"}
        return {"worker": self.number, **facts, "restarts": self.restarts, **why, **large}


def shared_out(seats: Sequence[Seat]) -> dict[Child, list[int]]:
    """Who of those that answer takes which of SEATS where nobody does."""
    there = {seat.number: seat.answers for seat in seats}
    present = [child for child in there.values() if child is not None]
    found: dict[Child, list[int]] = {child: [] for child in present}
    empty = [number for number, child in there.items() if child is None]
    for i, number in enumerate(empty if present else ()):
        found[present[i % len(present)]].append(number)
    return found
