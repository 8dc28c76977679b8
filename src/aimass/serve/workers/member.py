"""A worker's end of the channel: it serves what the supervisor decides, and speaks for all workers when it is asked."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from aimass.core.errors import AimassError, InputError
from aimass.serve.messages import Refused
from aimass.serve.predictor import Wanted
from aimass.serve.versions.repository import Repository
from aimass.serve.workers.channel import Channel
from aimass.serve.workers.follower import Follower, needed
from aimass.serve.workers.order import heard
from aimass.serve.workers.together import Together

BEAT = 0.25  # seconds
TOLD = 1.0  # seconds between reports
FAREWELL = 5.0  # seconds in which the supervisor should have heard the last one

log = logging.getLogger("aimass.serve")


class Member(Together):
    """The worker at the end LINE (a descriptor) of a channel; the order that waits there says which it is."""

    def __init__(self, line: int) -> None:
        self.line = socket.socket(fileno=line)
        order = heard(self.line)
        self.number, self.plans, self.tallies = order.number, order.plans, order.tallies
        self.sockets, self.mine = order.sockets, order.sockets[order.number]
        self.stopped, self.over, self.follower = False, False, Follower()
        self.minded: dict[int, list[asyncio.Server]] = {}
        self.at_sockets = asyncio.Lock()
        self.begun = asyncio.Event()
        self.beating: asyncio.Task[None] | None = None
        known: dict[str, Callable[..., Awaitable[Any]]] = {
            **self.follower.known, "begin": self._begin, "adopt": self._adopt, "mind": self._mind,
            "leave": self._leave, "stop": self._stop,
        }  # fmt: skip
        self.channel: Channel = Channel(self.line, known)

    # -- before it answers ----------------------------------------------------------------------------------------

    def wanted(self, wanted: Sequence[Wanted], repository: Repository | None) -> list[Wanted]:
        """What is to be loaded: WANTED, or what is served meanwhile and came out of REPOSITORY."""
        return needed(self.plans, wanted, repository)

    def failed(self, error: AimassError) -> None:
        """Tell why nothing can be served; there is no event loop yet, or no more."""
        with suppress(OSError):
            self.line.setblocking(True)
            self.line.sendall(json.dumps({"what": "failed", "said": {"error": error.as_json()}}).encode() + b"\n")

    async def join(self, server: Any, where: Mapping[str, Any]) -> None:
        """Say what SERVER serves; returns when it may answer, as all others do.  WHERE: what is said of it then."""
        self.server = server
        self.app = self.follower.app = server.app
        asyncio.get_running_loop().create_task(self._listen())
        while self.channel.writer is None:
            await asyncio.sleep(0)
        self.channel.tell("hello", plans=self.follower.plans(), where=dict(where), defaults=self.app.live.defaults)
        self.beating = asyncio.get_running_loop().create_task(self._beat())
        await self.begun.wait()

    async def _listen(self) -> None:
        await self.channel.listen()
        if not self.over:
            os._exit(1)  # nobody keeps this worker any more

    async def _beat(self) -> None:
        due = time.monotonic()
        while True:
            self.channel.tell("beat")
            if time.monotonic() >= due:
                due = time.monotonic() + TOLD
                await self._tell()
            await asyncio.sleep(BEAT)

    async def _tell(self) -> None:
        try:
            self.channel.tell("report", seen=await self.follower.report())
        except Exception:  # logged whole; it lives, and says so
            log.exception("a worker cannot report")

    # -- what the supervisor decides --------------------------------------------------------------------------------

    async def _begin(self, **now: Any) -> None:
        await self.follower.begin(**now)
        await self.server.answer(self.mine)
        self.begun.set()

    async def _adopt(self, **decided: Any) -> None:
        try:
            await self.follower.adopt(**decided)
        except Exception:  # it cannot do what all others do: the next worker in its place may
            log.exception("a worker cannot serve what was decided, and leaves")
            self.server.leave()

    async def _mind(self, seats: list[int]) -> None:
        """Answer at the sockets of those SEATS, too, whose workers do not; and at no others."""
        async with self.at_sockets:
            for seat in {*self.minded} - {*seats}:
                for listener in self.minded.pop(seat):
                    listener.close()
            for seat in {*seats} - {*self.minded}:
                self.minded[seat] = await self.server.listen([sock.dup() for sock in self.sockets[seat]])

    async def _leave(self) -> None:
        self.server.leave()

    async def _stop(self) -> None:
        if self.server.handing_over and not self.stopped:  # it has begun to end already
            self.app.draining = True
        else:
            self.server.stop()
        self.stopped = True

    # -- the end --------------------------------------------------------------------------------------------------

    def leaves(self) -> None:
        """It has begun to end, whoever asked it to."""
        self.channel.tell("bye")

    def close_all(self) -> None:
        """All that it holds: the supervisor keeps those that are to stay."""
        for listener in (one for minded in self.minded.values() for one in minded):
            listener.close()
        self.minded.clear()
        for sock in {*self.all_sockets} - {*self.mine}:
            sock.close()

    @property
    def all_sockets(self) -> list[socket.socket]:
        """Of all workers, each once."""
        return [*dict.fromkeys(sock for one in self.sockets for sock in one)]

    async def end(self) -> None:
        """Report for the last time."""
        if self.beating is not None:
            self.beating.cancel()
        await self._tell()
        self.over = True
        await self.channel.finish(FAREWELL)


@contextmanager
def membership(channel: int | None) -> Iterator[Member | None]:
    """One of several workers, where a CHANNEL was given; the supervisor is told why it cannot begin."""
    member = None if channel is None else Member(channel)
    try:
        yield member
    except Refused as error:  # a version that was served is not there any more
        told = InputError(str(error), expected=str(error.body.get("expected", "")))
        if member is not None:
            member.failed(told)
        raise told from error
    except AimassError as error:
        if member is None:
            raise
        member.failed(error)
        sys.exit(error.exit_code)
