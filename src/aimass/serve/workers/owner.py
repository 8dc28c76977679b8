"""The one who decides what all workers serve: plans, trials and parameters of the whole server.

A change is made in two steps: every worker loads what the plan needs, one of them having let it prove itself; when all
have it, all switch.  If one cannot, none does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, Protocol

from aimass.serve.explaining.jobs import no_job
from aimass.serve.messages import Refused
from aimass.serve.parameters import Parameters
from aimass.serve.seen import Key
from aimass.serve.tasks import Tasks
from aimass.serve.versions.desired import Plan
from aimass.serve.versions.events import Events
from aimass.serve.versions.steps import step_of
from aimass.serve.versions.trials import Step, Trials
from aimass.serve.workers.channel import Gone
from aimass.serve.workers.sums import Sums

HAVING = 2.0  # seconds in which a worker says whether it has a job


class Asked(Protocol):
    """A worker that can be asked."""

    number: int

    async def ask(self, what: str, seconds: float | None = None, **said: Any) -> Any:
        """Raises what it raises, Gone, or TimeoutError."""


class Owner:
    """Of the plans of all WORKERS.  Each change of what is served is one GENERATION."""

    def __init__(self, workers: Callable[[], Sequence[Asked]], sums: Sums) -> None:
        self.workers = workers
        self.plans: dict[str, Plan] = {}
        self.generation = 0
        self.changing: dict[str, int] = {}  # names whose generation not all workers have yet
        self.kept = Counter[Key]()  # versions that all workers have loaded for changes under way
        self.numbers = count(1)  # of changes
        self.goals: dict[Key, float] = {}  # seconds that were promised for a version
        self.trials = Trials(sums.of, lambda name, word: self.goals.get((name, word), sums.goal(name, word)))
        self.parameters = Parameters(lambda: self.plans, {})
        self.tasks = Tasks()
        self.events = Events()

    def begin(self, plans: Mapping[str, Any], defaults: Mapping[str, float]) -> None:
        """PLANS and DEFAULTS of parameters as the first worker tells them."""
        self.plans = {name: Plan.from_whole(facts) for name, facts in plans.items()}
        self.parameters.defaults = dict(defaults)
        self.generation = 1
        for name, plan in self.plans.items():
            self.events.add(name, "plan", why="started with it", **plan.as_json())

    def now(self) -> dict[str, Any]:
        """What a worker that joins has to do."""
        plans = {name: plan.whole() for name, plan in self.plans.items()}
        return {"plans": plans, "generation": self.generation, "changing": self.changing,
                "values": self.parameters.values}  # fmt: skip

    def plan(self, name: str) -> Plan:
        return self.plans.get(name, Plan())

    # -- changes ----------------------------------------------------------------------------------------------

    async def ask(self, name: str, verb: str, said: Mapping[str, Any], why: str) -> None:
        """As a worker was asked to.  Raises Refused."""
        await self.change(name, step_of(verb, said), why)

    async def change(self, name: str, step: Step, why: str) -> None:
        """Go on from the plan of NAME by STEP, everywhere.  Raises Refused, and then nothing has changed."""
        number, held = next(self.numbers), list[Key]()
        try:
            while True:
                plan = step(self.plan(name))
                lacking = [key for key in ((name, word) for word in plan.needed) if not self._is_kept(key)]
                if not lacking:
                    await self._switch(name, plan, why)
                    return
                for key in lacking:
                    await self._prepare(number, key)
                    self.kept[key] += 1
                    held.append(key)
        finally:
            self.kept.subtract(held)
            await self._all("let_go", change=number)

    def _is_kept(self, key: Key) -> bool:
        return key[1] in self.plan(key[0]).needed or self.kept[key] > 0

    async def _prepare(self, number: int, key: Key) -> None:
        """Let every worker load the version KEY, once the first has let it prove itself.  Raises Refused."""
        name, word = key
        workers = self.workers()
        if not workers:
            raise Refused(503, "no worker answers", to_do="ask again in a moment")
        try:
            await workers[0].ask("prove", name=name, word=word)
            goals = await gathered([worker.ask("keep", change=number, name=name, word=word) for worker in workers])
            self.goals[key] = goals[0]
        except Gone as error:
            self.events.add(name, "refused", version=word, why="a worker ended while it loaded it")
            raise Refused(503, f"a worker ended while it loaded {name}@{word}", to_do="look at /v1/health") from error
        except Exception as error:
            self.events.add(name, "refused", version=word, why=str(error))
            raise

    async def _switch(self, name: str, plan: Plan, why: str) -> None:
        """PLAN from here on; returns when all workers serve it that have not ended, and know this of each other."""
        before = self.plan(name)
        self.generation += 1
        self.changing[name] = generation = self.generation
        if plan.shares:
            self.plans[name] = plan
        else:
            self.plans.pop(name, None)
        self.events.add(name, "plan", why=why, **plan.as_json())
        self.trials.switched(name, before, plan)
        try:
            await self._all("adopt", name=name, plan=plan.whole(), why=why, generation=generation)
        finally:  # who could not do it leaves
            if self.changing[name] == generation:
                del self.changing[name]
            await self._all("settle", generation=generation)

    async def _all(self, what: str, **said: Any) -> None:
        """Ask all, and wait; who has ended needs it no more: its successor begins with what is decided now."""

        async def one(worker: Asked) -> None:
            with suppress(Gone):
                await worker.ask(what, **said)

        await gathered([one(worker) for worker in self.workers()])

    # -- trials -----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Once a second, after the counts have come: end trials that can be ended."""
        for name, step, why in self.trials.look(self.plan):
            self.tasks.begin(self.change(name, step, why))

    # -- jobs -------------------------------------------------------------------------------------------------

    async def job(self, id: str, **said: Any) -> dict[str, Any]:
        """What the worker tells that has it.  Raises Refused."""

        async def one(worker: Asked) -> dict[str, Any] | None:
            with suppress(Gone, Refused, TimeoutError):
                return dict(await worker.ask("job", HAVING, id=id, **said))
            return None

        found = await gathered([one(worker) for worker in self.workers()])
        told: dict[str, Any] | None = next(filter(None, found), None)
        if told is None:
            raise no_job(id)
        return told

    # -- parameters -------------------------------------------------------------------------------------------

    async def set(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change parameters everywhere.  Raises Refused."""
        return await self._become(self.parameters.change(values))

    async def undo(self) -> dict[str, Any]:
        """Take back the last change of parameters.  Raises Refused."""
        return await self._become(self.parameters.undo())

    async def _become(self, values: Mapping[str, float]) -> dict[str, Any]:
        self.trials.seconds = self.parameters.value("server/trial_seconds")
        await self._all("set", values=values)
        return self.parameters.as_json()


async def gathered(asked: Sequence[Any]) -> list[Any]:
    """What all of ASKED give, when they have ended.  Raises what the first that failed has raised."""
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for found in answers:
        if isinstance(found, BaseException):
            raise found
    return answers
