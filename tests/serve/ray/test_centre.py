"""The actor in the middle, without Ray: who answers, what all serve, and what is left when somebody falls silent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aimass.serve.messages import Refused
from aimass.serve.ray.centre import SILENT, Centre
from aimass.serve.ray.lead import Hello
from aimass.serve.versions.desired import Plan
from aimass.serve.workers.channel import Gone, Talk

PLANS = {"m": Plan().serve("1").prove().whole()}
DEFAULTS = {"server/trial_seconds": 30.0, "models/*/call_rows": 1024.0}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Pretended:
    """A replica that does what it is asked, unless FAILS has something against it."""

    def __init__(self, centre: Centre, name: str, owner: str = "o", plans: dict[str, Any] = PLANS) -> None:
        self.centre, self.name, self.owner = centre, name, owner
        self.plans, self.values = {**plans}, dict[str, float]()
        self.fails: dict[str, Exception] = {}
        known = {what: self._does(what) for what in ("begin", "prove", "keep", "let_go", "adopt", "settle", "set")}
        self.talk = Talk({**known, "report": asyncio.Event().wait}, self._send)
        self.sent: set[asyncio.Future[None]] = set()
        self.hello = Hello(id=name, url=f"http://{name}", plans=self.plans, defaults=DEFAULTS, values={})

    def _does(self, what: str) -> Callable[..., Awaitable[Any]]:
        async def does(**said: Any) -> float:
            if what in self.fails:
                raise self.fails[what]
            if what == "begin":
                self.plans, self.values = dict(said["plans"]), dict(said["values"])
            elif what == "adopt":
                self.plans[said["name"]] = said["plan"]
            elif what == "set":
                self.values.update(said["values"])
            return 0.0

        return does

    def _send(self, message: Any) -> None:
        sent = asyncio.ensure_future(self.centre.hear(self.owner, self.name, json.dumps(message)))
        self.sent.add(sent)
        sent.add_done_callback(self.sent.discard)

    async def follow(self) -> None:
        await self.centre.join(self.owner, self.name, self.hello)
        while (orders := await self.centre.orders(self.owner, self.name)) is not None:
            for message in orders:
                self.talk.hear(json.loads(message))

    @property
    def serves(self) -> str:
        return Plan.from_whole(self.plans["m"]).stable


def talk(check: Callable[[Centre, list[Pretended], Clock], Awaitable[None]]) -> None:
    """CHECK with two replicas that have joined."""

    async def main() -> None:
        clock = Clock()
        centre = Centre(clock)
        await centre.own("o")
        both = [Pretended(centre, name) for name in "ab"]
        following = [asyncio.create_task(one.follow()) for one in both]
        while len(await centre.urls()) < 2:
            await asyncio.sleep(0)
        await check(centre, both, clock)
        for one in both:
            await centre.leave("o", one.name)
        await asyncio.gather(*following)

    asyncio.run(asyncio.wait_for(main(), 30))


def load(version: str) -> dict[str, Any]:
    return {"name": "m", "verb": "serve", "said": {"version": version}, "why": "loaded"}


def test_a_change_that_one_replica_is_asked_for_is_made_by_all() -> None:
    async def check(centre: Centre, both: list[Pretended], clock: Clock) -> None:
        await both[1].talk.ask("change", 10, **load("2"))
        assert [one.serves for one in both] == ["2", "2"]
        await both[0].talk.ask("set", 10, values={"models/m/call_rows": 64})
        assert [one.values for one in both] == [{"models/m/call_rows": 64}] * 2

    talk(check)


@pytest.mark.parametrize("what", ["prove", "keep"])
def test_where_one_replica_cannot_none_changes(what: str) -> None:
    async def check(centre: Centre, both: list[Pretended], clock: Clock) -> None:
        both[0].fails[what] = Refused(400, "it cannot answer")
        with pytest.raises(Refused, match="it cannot answer"):
            await both[1].talk.ask("change", 10, **load("2"))
        assert [one.serves for one in both] == ["1", "1"]

    talk(check)


def test_who_comes_later_begins_with_what_is_served_by_now() -> None:
    async def check(centre: Centre, both: list[Pretended], clock: Clock) -> None:
        assert json.loads(await Centre().plans("o")) is None
        await both[0].talk.ask("change", 10, **load("2"))
        assert json.loads(await centre.plans("o"))["m"]["shares"] == {"2": 1.0}
        third = Pretended(centre, "c")
        following = asyncio.create_task(third.follow())
        while len(await centre.urls()) < 3:
            await asyncio.sleep(0)
        assert third.serves == "2"
        await centre.leave("o", "c")
        await following

    talk(check)


def test_a_centre_that_was_started_again_learns_what_is_served_from_replicas() -> None:
    async def check(centre: Centre, both: list[Pretended], clock: Clock) -> None:
        await both[0].talk.ask("change", 10, **load("2"))
        again = Centre(clock)
        late = Pretended(again, "a", plans=both[0].plans)
        following = asyncio.create_task(late.follow())
        while not await again.urls():
            await asyncio.sleep(0)
        assert json.loads(await again.plans("o"))["m"]["shares"] == {"2": 1.0}
        await again.leave("o", "a")
        await following

    talk(check)


def test_commands_decide_for_their_own_replicas_while_one_takes_over() -> None:
    async def check(centre: Centre, both: list[Pretended], clock: Clock) -> None:
        await centre.own("p")
        other = Pretended(centre, "c", "p", {"m": Plan().serve("2").prove().whole()})
        following = asyncio.create_task(other.follow())
        while not await centre.urls("p"):
            await asyncio.sleep(0)
        assert [one.serves for one in (*both, other)] == ["1", "1", "2"]
        assert await centre.urls("p") == ["http://c"] and len(await centre.urls()) == 3
        await centre.leave("p", "c")
        await following

    talk(check)


def test_who_falls_silent_is_left_out_and_has_to_join_again() -> None:
    async def check(centre: Centre, both: list[Pretended], clock: Clock) -> None:
        for _ in range(5):
            clock.now += SILENT / 3 + 0.01
            await centre.hear("o", "b", json.dumps({"of": 0, "found": None}))
        assert await centre.urls() == ["http://b"]
        assert await centre.orders("o", "a") is None
        with pytest.raises(Refused, match="no worker"):
            await centre.leave("o", "b")
            await centre.leads["o"].owner.ask(**load("2"))

    talk(check)


def test_nobody_is_left_out_because_the_centre_itself_stood_still() -> None:
    async def check(centre: Centre, both: list[Pretended], clock: Clock) -> None:
        clock.now += 10 * SILENT
        assert len(await centre.urls()) == 2

    talk(check)


def test_nobody_waits_for_the_answer_of_one_that_has_ended() -> None:
    async def check(centre: Centre, both: list[Pretended], clock: Clock) -> None:
        asked = asyncio.create_task(centre.leads["o"].replicas["a"].ask("report"))
        await asyncio.sleep(0)
        await centre.leave("o", "a")
        with pytest.raises(Gone):
            await asked
        assert await centre.urls() == ["http://b"]

    talk(check)
