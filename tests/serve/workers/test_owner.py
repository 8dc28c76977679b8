"""What all workers serve is decided in one place: all switch or none, a version proves itself once, trials end once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aimass.serve.messages import Refused
from aimass.serve.metrics import Counts
from aimass.serve.observe.vitals import Facts
from aimass.serve.seen import Seen
from aimass.serve.versions.desired import Plan
from aimass.serve.workers.channel import Gone
from aimass.serve.workers.owner import Owner
from aimass.serve.workers.sums import Sums

DEFAULTS = {"server/trial_seconds": 0.0, "models/*/call_rows": 1024}


class Pretended:
    """A worker that notes what it is asked, and raises what FAILS says."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.asked: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.plan = Plan().serve("1").prove()
        self.generation = 1

    async def ask(self, what: str, seconds: float | None = None, **said: Any) -> Any:
        self.asked.append(what)
        await asyncio.sleep(0)
        if what in self.fails:
            raise self.fails[what]
        if what == "adopt":
            self.plan, self.generation = Plan.from_whole(said["plan"]), said["generation"]
        return 0.0


def talk(with_them: Callable[[Owner, list[Pretended], Sums], Awaitable[None]]) -> None:
    async def main() -> None:
        sums, workers = Sums(), [Pretended(i) for i in range(3)]
        owner = Owner(lambda: workers, sums)
        owner.begin({"m": workers[0].plan.whole()}, DEFAULTS)
        await owner.set({"server/trial_seconds": 0})
        await with_them(owner, workers, sums)

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_version_proves_itself_once_is_loaded_by_all_and_then_served_by_all() -> None:
    async def check(owner: Owner, workers: list[Pretended], sums: Sums) -> None:
        await owner.ask("m", "serve", {"version": "2"}, "loaded")
        assert [worker.plan.stable for worker in workers] == ["2"] * 3
        assert {worker.generation for worker in workers} == {owner.generation} == {2}
        assert sum(worker.asked.count("prove") for worker in workers) == 1
        for worker in workers:
            assert [what for what in worker.asked if what not in ("prove", "set")] == [
                "keep",
                "adopt",
                "settle",
                "let_go",
            ]

    talk(check)


@pytest.mark.parametrize("what", ["prove", "keep"])
@pytest.mark.parametrize("error", [Refused(400, "it cannot answer"), Gone("it has ended")])
def test_where_one_cannot_none_does(what: str, error: Exception) -> None:
    async def check(owner: Owner, workers: list[Pretended], sums: Sums) -> None:
        workers[0].fails[what] = error
        with pytest.raises(Refused) as caught:
            await owner.ask("m", "serve", {"version": "2"}, "loaded")
        assert caught.value.status == (400 if isinstance(error, Refused) else 503)
        assert [worker.plan.stable for worker in workers] == ["1"] * 3 and owner.generation == 1
        assert all(worker.asked[-1] == "let_go" and "adopt" not in worker.asked for worker in workers)
        assert owner.plan("m").stable == "1" and owner.events.of("m")[-1]["event"] == "refused"

    talk(check)


def test_that_all_have_a_change_is_said_once_all_have_it() -> None:
    async def check(owner: Owner, workers: list[Pretended], sums: Sums) -> None:
        slow, ask = asyncio.Event(), workers[1].ask

        async def asked(what: str, seconds: float | None = None, **said: Any) -> Any:
            if what == "adopt":
                await slow.wait()
            return await ask(what, seconds, **said)

        workers[1].ask = asked  # type: ignore[method-assign]
        change = asyncio.create_task(owner.ask("m", "serve", {"version": "2"}, "loaded"))
        while workers[2].plan.stable != "2":
            await asyncio.sleep(0.001)
        assert owner.now()["changing"] == {"m": 2}  # which a worker that joins now does not say either
        assert not any("settle" in worker.asked for worker in workers) and not change.done()
        slow.set()
        await change
        assert not owner.now()["changing"] and all("settle" in worker.asked for worker in workers)

    talk(check)


def test_who_dies_while_all_switch_is_not_waited_for() -> None:
    async def check(owner: Owner, workers: list[Pretended], sums: Sums) -> None:
        workers[1].fails["adopt"] = Gone("it has ended")
        await owner.ask("m", "serve", {"version": "2"}, "loaded")
        assert workers[0].plan.stable == workers[2].plan.stable == "2"
        assert owner.now()["plans"]["m"]["shares"] == {"2": 1.0}  # what its successor begins with

    talk(check)


def test_changes_at_once_end_with_one_plan_everywhere() -> None:
    async def check(owner: Owner, workers: list[Pretended], sums: Sums) -> None:
        changes = [owner.ask("m", "serve", {"version": str(version)}, "loaded") for version in range(2, 8)]
        await asyncio.gather(*changes)
        assert len({str(worker.plan) for worker in workers}) == 1 and workers[0].plan == owner.plan("m")
        assert {worker.generation for worker in workers} == {owner.generation}

    talk(check)


def tells(sums: Sums, worker: int, version: str, answers: int, status: int) -> None:
    counts = Counts("m", version)
    for _ in range(answers):
        counts.request(status, 0.001)
    seen = Seen(counts={("m", version): counts}, facts=Facts())
    sums.told(worker, seen.as_json())


@pytest.mark.parametrize(("status", "stays"), [(500, "1"), (200, "2")])
def test_a_trial_is_decided_once_by_what_all_counted_together(status: int, stays: str) -> None:
    async def check(owner: Owner, workers: list[Pretended], sums: Sums) -> None:
        tells(sums, 99, "1", 1000, 200)
        await owner.ask("m", "serve", {"version": "2"}, "loaded")
        for worker in range(3):  # too few each: only together do they say something
            owner.look()
            assert not owner.tasks
            tells(sums, worker, "2", 20, status)
        owner.look()
        await asyncio.gather(*owner.tasks)
        assert [worker.plan.stable for worker in workers] == [stays] * 3
        assert not owner.trials.running
        assert all(worker.asked.count("adopt") == 2 for worker in workers)

    talk(check)


def test_parameters_are_told_to_all_and_to_who_comes_later() -> None:
    async def check(owner: Owner, workers: list[Pretended], sums: Sums) -> None:
        await owner.set({"models/m/call_rows": 5})
        assert all(worker.asked[-1] == "set" for worker in workers)
        assert owner.now()["values"]["models/m/call_rows"] == 5
        with pytest.raises(Refused):
            await owner.set({"models/m/call_rows": 0})

    talk(check)


def test_a_job_is_told_by_the_worker_that_has_it_whatever_becomes_of_the_others() -> None:
    async def check(owner: Owner, workers: list[Pretended], sums: Sums) -> None:
        for worker, error in zip(
            workers, (Gone("it has ended"), TimeoutError(), Refused(404, "not here")), strict=True
        ):
            worker.fails["job"] = error
        with pytest.raises(Refused, match="'an-id'"):
            await owner.job("an-id", owner="", end=False)
        has: Any = workers[1]
        has.ask = lambda what, seconds, **said: asyncio.sleep(0, {"status": 200, **said})
        assert await owner.job("an-id", owner="a", end=True) == {
            "status": 200,
            "id": "an-id",
            "owner": "a",
            "end": True,
        }

    talk(check)
