"""The place of a worker: who follows whom, and what happens when nobody can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aimass.core.errors import InputError
from aimass.serve.workers.child import LEAVING, READY, STARTING, Child
from aimass.serve.workers.seat import Seat
from aimass.serve.workers.settings import Workers


class Pretended:
    """A process that is what it is told to be."""

    def __init__(self, works: bool) -> None:
        self.state, self.generation, self.why, self.began = STARTING, 1, "", time.monotonic()
        self.greeted, self.ended = asyncio.Event(), asyncio.Event()
        self.said: dict[str, Any] | None = {} if works else None
        self.channel, self.quiet, self.holds, self.told = self, 0.0, 10 << 20, list[str]()
        self.greeted.set()
        if not works:
            self.end("ended with 2")

    def end(self, why: str) -> None:
        self.why = self.why or why
        self.ended.set()

    kill = end

    def tell(self, what: str) -> None:
        self.told.append(what)
        self.state = LEAVING
        self.end("left")

    def failure(self) -> InputError:
        return InputError("it cannot begin")

    def silent(self) -> float:
        return self.quiet

    def memory(self) -> int:
        return self.holds

    def as_json(self) -> dict[str, Any]:
        return {"state": self.state}


class Scene:
    """A seat, and all who ever came."""

    def __init__(self, **settings: Any) -> None:
        self.works, self.came, self.gone = True, list[Pretended](), list[Child]()
        self.seat = Seat(
            0, Workers(**settings), start=self._start, join=self._join, over=self.gone.append, changed=lambda: None
        )
        self.keeping = asyncio.create_task(self.seat.keep())

    async def _start(self, number: int) -> Child:
        self.came.append(Pretended(self.works))
        return cast(Child, self.came[-1])

    async def _join(self, child: Child) -> None:
        child.state = READY

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            await asyncio.sleep(0.005)

    async def seated(self, many: int = 1) -> Pretended:
        """The one that sits there, when so MANY have come."""
        await self.until(lambda: len(self.came) >= many and self.seat.child is cast(Child, self.came[-1]))
        return self.came[-1]


def play(check: Callable[[Scene], Awaitable[None]], **settings: Any) -> None:
    async def main() -> None:
        scene = Scene(**settings)
        await check(scene)
        scene.keeping.cancel()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_one_that_dies_is_followed_until_it_happens_too_often() -> None:
    async def check(scene: Scene) -> None:
        for many in (1, 2):
            (await scene.seated(many)).end("was ended by SIGSEGV")
        (await scene.seated(3)).end("was ended by SIGABRT")
        await scene.until(lambda: scene.seat.quarantined)
        told = scene.seat.as_json()
        assert told["state"] == "quarantined" and "SIGABRT" in told["why"] and len(scene.came) == len(scene.gone) == 3
        assert await scene.seat.renew("it was told to")
        await scene.seated(4)
        assert not scene.seat.quarantined

    play(check, worker_failures=3)


def test_one_that_answered_for_longer_than_the_pause_is_followed_at_once() -> None:
    async def check(scene: Scene) -> None:
        for many in range(1, 15):  # the last pause would be six minutes
            one = await scene.seated(many)
            one.began -= 3600.0
            one.end("was ended by SIGKILL")
        await scene.seated(15)

    play(check, worker_failures=100)


def test_one_that_says_nothing_is_ended_and_one_that_leaves_has_longer() -> None:
    async def check(scene: Scene) -> None:
        first = await scene.seated()
        first.quiet = 3.0
        assert scene.seat.answers is None and not first.ended.is_set()
        first.state, first.quiet = LEAVING, 11.0
        scene.seat.look()
        assert not first.ended.is_set()
        first.state = READY
        scene.seat.look()
        assert first.why == "said nothing for 2 s"
        await scene.seated(2)

    play(check, worker_silent_seconds=2.0)


def test_one_that_grew_leaves_when_another_has_come_and_one_that_began_so_stays() -> None:
    async def check(scene: Scene) -> None:
        first = await scene.seated()
        assert not scene.seat.look()
        first.holds = 200 << 20
        why = scene.seat.look()
        assert "more than the 100 MB" in why and await scene.seat.renew(why)
        second = await scene.seated(2)
        assert first.told == ["leave"] and not second.ended.is_set() and not scene.seat.look()

    play(check, worker_memory_mb=100)

    async def large(scene: Scene) -> None:
        (await scene.seated()).holds = 200 << 20
        scene.seat.small = False  # as it is where the models alone take more
        assert not scene.seat.look() and "note" in scene.seat.as_json()

    play(large, worker_memory_mb=100)


def test_where_nobody_can_take_the_place_the_one_before_stays_and_that_is_not_tried_at_once() -> None:
    async def check(scene: Scene) -> None:
        first = await scene.seated()
        first.holds, scene.works = 200 << 20, False
        assert not await scene.seat.renew(scene.seat.look())
        assert scene.seat.child is cast(Child, first) and not first.ended.is_set() and not first.told
        assert not scene.seat.look() and len(scene.came) == 2

    play(check, worker_memory_mb=100)


def test_one_that_dies_while_another_takes_its_place_is_followed_by_that_one_alone() -> None:
    async def check(scene: Scene) -> None:
        first, gate = await scene.seated(), asyncio.Event()
        join = scene.seat.join

        async def slow(child: Child) -> None:
            await gate.wait()
            await join(child)

        scene.seat.join = slow
        renewing = asyncio.create_task(scene.seat.renew("it was told to"))
        await scene.until(lambda: len(scene.came) == 2)
        first.end("was ended by SIGKILL")
        await asyncio.sleep(0.2)  # longer than the pause before another would start
        gate.set()
        assert await renewing
        second = await scene.seated(2)
        await asyncio.sleep(0.1)
        assert len(scene.came) == 2 and scene.seat.all() == [cast(Child, second)]

    play(check)
