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
from aimass.runner.worker import die_with_parent
from aimass.serve.messages import Refused
from aimass.serve.predictor import Wanted
from aimass.serve.seen import Key, Seen
from aimass.serve.versions.desired import Plan
from aimass.serve.versions.repository import Repository
from aimass.serve.workers.channel import Channel, Gone

BEAT = 0.25  # seconds
TOLD = 1.0  # seconds between reports
PATIENCE = 5.0  # seconds in which the supervisor says what it knows

log = logging.getLogger("aimass.serve")


class Member:
    """The worker at the end LINE (a descriptor) of a channel; the order that waits there says which it is."""

    def __init__(self, line: int) -> None:
        self.line = socket.socket(fileno=line)
        order = json.loads(_line(self.line))
        die_with_parent(order["parent"])
        self.number, self.plans = order["number"], order["plans"]
        made = {number: socket.socket(fileno=number) for one in order["sockets"] for number in one}
        self.sockets = [[made[number] for number in one] for one in order["sockets"]]
        self.mine = self.sockets[order["mine"]]
        self.generation, self.stopped = 0, False
        self.kept: dict[int, list[Key]] = {}  # what a change has asked to keep
        self.minded: dict[int, list[asyncio.Server]] = {}
        self.deciding, self.at_sockets = asyncio.Lock(), asyncio.Lock()
        self.begun = asyncio.Event()
        self.beating: asyncio.Task[None] | None = None
        known: dict[str, Callable[..., Awaitable[Any]]] = {
            "begin": self._begin, "prove": self._prove, "keep": self._keep, "let_go": self._let_go,
            "adopt": self._adopt, "set": self._set, "report": self._report, "mind": self._mind, "leave": self._leave,
            "stop": self._stop,
        }  # fmt: skip
        self.channel = Channel(self.line, known)

    # -- before it answers ----------------------------------------------------------------------------------------

    def wanted(self, wanted: Sequence[Wanted], repository: Repository | None) -> list[Wanted]:
        """What is to be loaded: WANTED, or what is served meanwhile and came out of REPOSITORY."""
        if self.plans is None:
            return list(wanted)
        given = {(one.name, one.word): one for one in wanted}
        keys = [(name, word) for name, facts in self.plans.items() for word in Plan.from_whole(facts).needed]
        return [self._found(key, given, repository) for key in keys]

    def _found(self, key: Key, given: Mapping[Key, Wanted], repository: Repository | None) -> Wanted:
        if key in given or repository is None:
            return given[key]
        return repository.find(*key)

    def failed(self, error: AimassError) -> None:
        """Tell why nothing can be served; there is no event loop yet, or no more."""
        with suppress(OSError):
            self.line.setblocking(True)
            self.line.sendall(json.dumps({"what": "failed", "said": {"error": error.as_json()}}).encode() + b"\n")

    async def join(self, server: Any, where: Mapping[str, Any]) -> None:
        """Say what SERVER serves; returns when it may answer, as all others do.  WHERE: what is said of it then."""
        self.server, self.app = server, server.app
        asyncio.get_running_loop().create_task(self._listen())
        while self.channel.writer is None:
            await asyncio.sleep(0)
        plans = {name: one.plan.whole() for name, one in self.app.deployments.items()}
        self.channel.tell("hello", plans=plans, where=dict(where), defaults=self.app.live.defaults)
        self.beating = asyncio.get_running_loop().create_task(self._beat())
        await self.begun.wait()

    async def _listen(self) -> None:
        await self.channel.listen()
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
            self.channel.tell("report", seen=await self._report())
        except Exception:  # logged whole; it lives, and says so
            log.exception("a worker cannot report")

    # -- what the supervisor decides --------------------------------------------------------------------------------

    async def _begin(self, plans: dict[str, Any], values: dict[str, float], generation: int) -> None:
        async with self.deciding:
            self.app.live.set(values)
            for name in {*self.app.deployments} - {*plans}:
                await self.app.life.adopt(name, Plan(), "begins")
            for name, facts in plans.items():
                await self.app.life.adopt(name, Plan.from_whole(facts), "begins")
            self.generation = generation
        await self.server.answer(self.mine)
        self.begun.set()

    async def _prove(self, name: str, word: str) -> None:
        if (name, word) not in self.app.life.loaded:
            await self.app.life.proved(name, word)

    async def _keep(self, change: int, name: str, word: str) -> float:
        """Gives the seconds that the version was promised for."""
        self.kept.setdefault(change, []).append((name, word))
        await self.app.life.keep(name, word)
        return float(self.app.life.loaded[name, word].served.goal)

    async def _let_go(self, change: int) -> None:
        for name, word in self.kept.pop(change, []):
            self.app.life.let_go(name, [word])

    async def _adopt(self, name: str, plan: dict[str, Any], why: str, generation: int) -> None:
        async with self.deciding:
            try:
                await self.app.life.adopt(name, Plan.from_whole(plan), why)
            except Exception as error:  # it cannot do what all others do: the next worker may
                told = error if isinstance(error, AimassError) else AimassError(f"{type(error).__name__}: {error}")
                self.failed(told)
                raise
            self.generation = generation

    async def _set(self, values: dict[str, float]) -> None:
        self.app.live.set(values)

    async def _report(self) -> dict[str, Any]:
        found: Seen = self.app.seen()
        found.generation = self.generation
        return found.as_json()

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
        if self.channel.writer is not None:
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(self.channel.writer.drain(), 1)

    # -- as all workers together ------------------------------------------------------------------------------------

    async def change(self, name: str, verb: str, said: Mapping[str, Any], why: str) -> None:
        await self._ask("change", None, name=name, verb=verb, said=dict(said), why=why)

    async def seen(self, name: str = "") -> Seen:
        return Seen.from_json(await self._ask("seen", PATIENCE, name=name))

    async def parameters(self) -> dict[str, Any]:
        return dict(await self._ask("parameters", PATIENCE))

    async def set(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(await self._ask("set", None, values=dict(values)))

    async def undo(self) -> dict[str, Any]:
        return dict(await self._ask("undo", None))

    async def _ask(self, what: str, seconds: float | None, **said: Any) -> Any:
        try:
            return await self.channel.ask(what, seconds, **said)
        except (Gone, TimeoutError) as error:
            raise Refused(503, "the supervisor of the workers does not answer", to_do="ask again") from error


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


def _line(line: socket.socket) -> bytes:
    """The first one, and nothing behind it."""
    line.setblocking(True)
    found = bytearray()
    while not found.endswith(b"\n"):
        part = line.recv(1)
        if not part:
            sys.exit(1)  # the supervisor is gone
        found += part
    line.setblocking(False)
    return bytes(found)
