"""The process that keeps the workers of a server: starts them, watches them, tells them what to serve, ends them.

It owns the port and the plans, and never sees a request.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from aimass.core.errors import AimassError, TaskFailed
from aimass.serve.observe.vitals import Facts, memory, open_files
from aimass.serve.seen import added
from aimass.serve.sockets import no_more_knocks
from aimass.serve.tasks import Tasks
from aimass.serve.workers.channel import Gone
from aimass.serve.workers.child import LEAVING, READY, Child
from aimass.serve.workers.owner import Owner
from aimass.serve.workers.seat import Seat, shared_out
from aimass.serve.workers.settings import Workers
from aimass.serve.workers.sockets import bound_sockets, close_all, listen_on_all
from aimass.serve.workers.spending import Spending
from aimass.serve.workers.starting import Starting
from aimass.serve.workers.sums import Sums

LOOK = 0.5  # seconds
FRESH = 0.5  # seconds in which a worker says what it counted; then it counts as it last did
DRAIN = 60.0  # seconds for workers to end by themselves: their own patience with callers is shorter


def supervise(
    command: Sequence[str], settings: Workers, *, host: str, ports: Sequence[int],
    ready: Callable[[Mapping[str, Any]], None], keys: Path | None = None,
) -> None:  # fmt: skip
    """Keep workers that run COMMAND on PORTS of HOST until SIGTERM or SIGINT; SIGHUP replaces them one by one.

    KEYS is the file of those that they ask for.  READY is called once all answer, with what the first
    says of itself.  Raises InputError when a port cannot be had, and what the workers raised when none can begin.
    """
    supervisor = Supervisor(command, settings, host, ports, ready, keys)
    asyncio.run(supervisor.run())
    if supervisor.error is not None:
        raise supervisor.error


class Supervisor:
    """Of so many workers as SETTINGS say."""

    def __init__(
        self, command: Sequence[str], settings: Workers, host: str, ports: Sequence[int],
        ready: Callable[[Mapping[str, Any]], None], keys: Path | None = None,
    ) -> None:  # fmt: skip
        self.settings, self.host, self.ready = settings, host, ready
        self.sockets = bound_sockets(host, ports, settings.count)
        self.sums, self.began = Sums(), time.time()
        self.owner = Owner(self.answering, self.sums)
        self.spending = None if keys is None else Spending(keys)
        self.starting = Starting(command, self.sockets, self.spending.number if self.spending else None, {
            "seen": self._seen, "report": self._report, "parameters": self._parameters,
            "change": lambda child, **said: self.owner.ask(**said), "job": lambda child, **said: self.owner.job(**said),
            "set": lambda child, **said: self.owner.set(**said), "undo": lambda child: self.owner.undo(),
        }, spares=bool(settings.worker_spare))  # fmt: skip
        self.seats = [
            Seat(i, settings, start=self._start, join=self._join, over=lambda child: self.sums.died(child.pid),
                 changed=self._changed)
            for i in range(settings.count)
        ]  # fmt: skip
        self.minding: dict[Child, list[int]] = {}
        self.first: Mapping[str, Any] | None = None  # what the first worker said
        self.error: AimassError | None = None
        self.over, self.at_once = asyncio.Event(), asyncio.Event()
        self.tasks = Tasks()
        self.renewing = asyncio.Lock()

    # -- who answers ----------------------------------------------------------------------------------------------

    def answering(self) -> list[Child]:
        """Workers that serve what is wanted, or are about to."""
        return [child for seat in self.seats for child in seat.all() if child.said is not None and child.generation]

    async def _start(self, number: int) -> Child:
        return await self.starting.child(number, self.owner.now()["plans"] if self.first is not None else None)

    async def _join(self, child: Child) -> None:
        """Let CHILD, which has loaded its models, answer with what is wanted now."""
        assert child.said is not None
        if self.first is None:
            self.first = child.said
            self.owner.begin(child.said["plans"], child.said["defaults"])
            listen_on_all(self.sockets, self.host)
        child.generation = self.owner.generation
        await child.ask("begin", **self.owner.now())
        child.state = READY
        if all(seat.begun.is_set() for seat in self.seats):
            self.tasks.begin(self.starting.ahead())

    def _changed(self) -> None:
        """Somebody came or went: let others answer in the places of those who do not."""
        if self.first is None and all(seat.child is None and seat.error is not None for seat in self.seats):
            self._fail(self.seats[0].error)
        elif all(seat.quarantined for seat in self.seats):
            first = self.seats[0]
            self._fail(first.error or TaskFailed(f"all workers are in quarantine: {first.failures.last}"))
        minding = shared_out(self.seats)
        if not minding or self.over.is_set():
            return
        for child, numbers in minding.items():
            if self.minding.get(child, []) != numbers:
                self.tasks.begin(self._mind(child, numbers))
        self.minding = minding

    async def _mind(self, child: Child, numbers: list[int]) -> None:
        with suppress(Gone):
            await child.ask("mind", seats=numbers)

    def _fail(self, error: AimassError | None) -> None:
        self.error = self.error or error
        self.over.set()

    # -- what workers ask -----------------------------------------------------------------------------------------

    async def _report(self, child: Child, seen: dict[str, Any]) -> None:
        if not child.ended.is_set():
            self.sums.told(child.pid, seen)
            child.generation = max(child.generation, seen["generation"])

    async def _seen(self, child: Child, name: str) -> dict[str, Any]:
        """What all know together, as new as they can tell."""
        await asyncio.gather(*(self._asked(one) for one in self.answering()))
        facts = Facts(memory=memory(), cpu_seconds=time.process_time(), files=open_files(), started=self.began)
        facts.workers = Counter(seat.as_json()["state"] for seat in self.seats)
        facts.restarts = sum(seat.restarts for seat in self.seats)
        found = self.sums.all(facts)
        found.health = added(found.health, self.spending.health() if self.spending else {})
        found.trials, found.events = [*self.owner.trials.running], self.owner.events.of(name)
        found.generation, found.workers = self.owner.generation, [seat.as_json() for seat in self.seats]
        return found.as_json()

    async def _asked(self, child: Child) -> None:
        with suppress(Gone, TimeoutError):
            await self._report(child, await child.ask("report", FRESH))

    async def _parameters(self, child: Child) -> dict[str, Any]:
        return self.owner.parameters.as_json()

    # -- the run --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until a signal, or no worker can answer."""
        loop = asyncio.get_running_loop()
        actions = {signal.SIGTERM: self.stop, signal.SIGINT: self.stop, signal.SIGHUP: self.roll}
        heard = actions if threading.current_thread() is threading.main_thread() else {}
        for number, action in heard.items():
            loop.add_signal_handler(number, action)
        keeping = [loop.create_task(self._kept(seat)) for seat in self.seats]
        watching = [loop.create_task(self._say()), loop.create_task(self._watch())]
        try:
            await self.over.wait()
        finally:
            for task in (*keeping, *watching):
                task.cancel()
            await self._end()
            for number in heard:
                loop.remove_signal_handler(number)

    async def _kept(self, seat: Seat) -> None:
        try:
            await seat.keep()
        except AimassError as error:  # the port is taken, for one
            self._fail(error)

    async def _say(self) -> None:
        await asyncio.gather(*(seat.begun.wait() for seat in self.seats))
        if self.first is not None:
            self.ready({**self.first["where"], "pid": os.getpid()})
            await self.starting.ahead()

    async def _watch(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(LOOK)
            last, late = time.monotonic(), time.monotonic() - last - LOOK
            for child in (child for seat in self.seats for child in seat.all() if late > LOOK):
                child.heard += late  # nobody could be heard while this process itself stood still
            for seat in self.seats:
                why = seat.look()
                if why:
                    self.tasks.begin(self._renew(seat, why))
            self._changed()
            self.owner.look()
            if self.spending:
                await self.spending.look()

    def stop(self) -> None:
        """The first time finish what was begun, the second time end at once."""
        if self.over.is_set():
            self.at_once.set()
        self.over.set()

    def roll(self) -> None:
        """Replace all workers, one after the other."""
        self.tasks.begin(self._rolled())

    async def _rolled(self) -> None:
        await self.starting.close()  # what it has imported may be another by now
        for seat in self.seats:
            if not await self._renew(seat, "it was told to"):
                print("the other workers are not replaced", file=sys.stderr, flush=True)
                return

    async def _renew(self, seat: Seat, why: str) -> bool:
        """One at a time: there are never more than one too many."""
        async with self.renewing:
            return self.over.is_set() or await seat.renew(why)

    # -- the end --------------------------------------------------------------------------------------------------

    async def _end(self) -> None:
        """Let nobody new knock, let all workers finish; nothing is left."""
        self.starting.spares = False
        for seat in self.seats:
            seat.stopping = True
        for one in self.sockets:
            for sock in one:
                no_more_knocks(sock)
        close_all(self.sockets)
        left = [child for seat in self.seats for child in seat.all()]
        for child in left:
            if child.state == READY:
                child.channel.tell("stop")
            elif child.state != LEAVING:
                child.kill("was not needed any more")
        await self._until_ended(left, DRAIN)
        for child in left:
            child.kill("did not end")
        await self.starting.close()
        await asyncio.gather(*(child.ended.wait() for child in left))
        if self.spending:
            self.spending.close()

    async def _until_ended(self, left: Sequence[Child], seconds: float) -> None:
        until, told = time.monotonic() + seconds, False
        while any(not child.ended.is_set() for child in left) and time.monotonic() < until:
            if self.at_once.is_set() and not told:
                told, until = True, time.monotonic() + 1
                for child in left:
                    child.channel.tell("stop")
            await asyncio.sleep(0.01)
