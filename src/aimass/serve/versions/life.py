"""Makes plans true: loads what is needed, lets it prove itself, switches, watches, and gives back what is not.

The version that answers goes on answering until the new one is ready; a switch is one step of the event loop, so every
request is answered by one version, wholly.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aimass.serve.access.sight import sees
from aimass.serve.batch.turns import Turn
from aimass.serve.messages import Refused
from aimass.serve.predictor import Served, Wanted
from aimass.serve.versions.deployment import Deployment
from aimass.serve.versions.desired import Plan
from aimass.serve.versions.events import Events
from aimass.serve.versions.judge import SECONDS, Trial
from aimass.serve.versions.repository import Repository
from aimass.serve.versions.version import Version

Step = Callable[[Plan], Plan]

log = logging.getLogger("aimass.serve")


class Life:
    """Of all versions of a server.

    PROVE raises Refused for a version that may not answer; LOAD makes one ready, in another thread; CHANGED is told
    when requests have to find their way anew.  TRIAL: seconds for which a new version is watched, at least.
    """

    def __init__(
        self, repository: Repository, *, prove: Callable[[Wanted], Awaitable[Any]], load: Callable[[Wanted], Served],
        version: Callable[[Served], Version], changed: Callable[[], None] = lambda: None, trial: float = SECONDS,
    ) -> None:  # fmt: skip
        self.repository, self.prove, self.load, self.version = repository, prove, load, version
        self.changed, self.trial = changed, trial
        self.deployments: dict[str, Deployment] = {}
        self.loaded: dict[tuple[str, str], Version] = {}
        self.states: dict[tuple[str, str], tuple[str, str]] = {}  # and why
        self.wanted = Counter[tuple[str, str]]()  # versions that a change under way is about to use
        self.loading: dict[tuple[str, str], asyncio.Task[Version]] = {}
        self.trials: dict[str, Trial] = {}
        self.tasks: set[asyncio.Future[Any]] = set()
        self.events = Events()
        self.turn = Turn()  # of the event loop that all of them share

    def begin(self, models: Sequence[Served]) -> None:
        """Serve MODELS, which are loaded: all requests to the last of each name."""
        for served in models:
            self.loaded[served.name, served.version] = self.version(served)
            self._note(served.name, served.version, "READY")
            plan = self.plan(served.name).serve(served.version).prove()
            self._switch(served.name, plan, "started with it")

    def plan(self, name: str) -> Plan:
        found = self.deployments.get(name)
        return found.plan if found else Plan()

    async def meant(self, name: str, word: str) -> str:
        """The version of NAME that WORD means, also as a label, and as the one to be served.  Raises Refused."""
        plan = self.plan(name)
        if word in plan.labels:
            return plan.labels[word]
        if (name, word) in self.loaded and word:
            return word
        return (await asyncio.to_thread(self.repository.find, name, word)).word

    # -- changes ----------------------------------------------------------------------------------------------

    async def change(self, name: str, step: Step, why: str) -> Plan:
        """Go on from the plan of NAME by STEP.  Raises Refused, and then nothing has changed for those who ask."""
        held: list[tuple[str, str]] = []
        try:
            while True:
                plan = step(self.plan(name))
                lacking = [(name, version) for version in plan.needed if (name, version) not in self.loaded]
                if not lacking:
                    self._switch(name, plan, why)
                    return plan
                self.wanted.update(lacking)
                held += lacking
                await asyncio.gather(*(self._load(key) for key in lacking))
        finally:
            self.wanted.subtract(held)
            self._release(name)

    async def _load(self, key: tuple[str, str]) -> Version:
        """The version KEY, ready; loaded once for all who wait for it."""
        if key not in self.loading:
            task = self.loading[key] = asyncio.create_task(self._made_ready(key))
            task.add_done_callback(lambda done: self.loading.pop(key, None))
        return await asyncio.shield(self.loading[key])

    async def _made_ready(self, key: tuple[str, str]) -> Version:
        name, word = key
        try:
            wanted = await asyncio.to_thread(self.repository.find, name, word)
            self._note(name, word, "LOADING", "on probation")
            await self.prove(wanted)
            self._note(name, word, "LOADING")
            served = await asyncio.to_thread(self.load, wanted)
        except Exception as error:
            self._note(name, word, "UNAVAILABLE", str(error))
            self.events.add(name, "refused", version=word, why=str(error))
            raise
        self._note(name, word, "READY")
        self.loaded[key] = found = self.version(served)
        return found

    def _switch(self, name: str, plan: Plan, why: str) -> None:
        """From the next request on, PLAN is what NAME is served by."""
        before = self.plan(name)
        versions = {word: self.loaded[name, word] for word in plan.needed}
        for word, version in versions.items():
            version.served.batcher.beside = version.served.blocks or word == plan.shadow
        for one in self.loaded.values():
            one.served.batcher.turn = self.turn if len(self.loaded) > 1 else None
        found = self.deployments.get(name)
        if not plan.shares:
            self.deployments.pop(name, None)
        elif found is None:
            self.deployments[name] = Deployment(name, versions, plan)
        else:
            found.become(versions, plan)
        self._try(name, before, plan)
        self.changed()
        self.events.add(name, "plan", why=why, **plan.as_json())

    def _release(self, name: str) -> None:
        """Give back versions of NAME that nothing needs: when they have answered what they were asked."""
        needed = self.plan(name).needed
        for key in [key for key in self.loaded if key[0] == name]:
            if key[1] not in needed and self.wanted[key] <= 0:
                self._later(self._drained(key, self.loaded.pop(key)))

    async def _drained(self, key: tuple[str, str], version: Version) -> None:
        self._note(*key, "UNLOADING")
        await version.drained()
        if key not in self.loaded:
            self._note(*key, "UNAVAILABLE", "unloaded")
            self.events.add(key[0], "unloaded", version=key[1])

    # -- watching ---------------------------------------------------------------------------------------------

    def _try(self, name: str, before: Plan, plan: Plan) -> None:
        """Put on trial who has requests that it did not have before."""
        new = list(plan.shares)[-1] if plan.shares else ""
        old = plan.stable if len(plan.shares) > 1 else plan.before
        if plan.shares == before.shares and not plan.proved:
            return  # the trial goes on
        self.trials.pop(name, None)
        if (len(plan.shares) > 1 or not plan.proved) and old is not None and (name, old) in self.loaded:
            served = self.loaded[name, new].served
            self.trials[name] = Trial(served.counts, self.loaded[name, old].served.counts, served.goal, self.trial)

    def look(self) -> None:
        """Once a second: end trials that can be ended."""
        for name, trial in list(self.trials.items()):
            verdict = trial.verdict()
            if verdict:
                del self.trials[name]
                log.warning("%s returns to the version before: %s", name, verdict)
                self._later(self.change(name, Plan.rollback, f"returned: {verdict}"))
            elif verdict == "":
                del self.trials[name]
                if len(self.plan(name).shares) == 1:
                    self._later(self.change(name, Plan.prove, "proved itself"))

    def _later(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[Any]) -> None:
        self.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("a change of versions failed", exc_info=error)

    # -- what is said -----------------------------------------------------------------------------------------

    def _note(self, name: str, version: str, state: str, reason: str = "") -> None:
        self.states[name, version] = state, reason

    def counted(self) -> Counter[str]:
        """How many versions are in which state."""
        return Counter(state for state, _ in self.states.values())

    def index(self, *, ready: bool = False) -> list[dict[str, str]]:
        """All versions that are here or could be, as V2's repository extension lists them."""
        known = dict.fromkeys([*self.repository.list(), *self.states])
        found = []
        for name, version in known:
            state, reason = self.states.get((name, version), ("UNAVAILABLE", "not loaded"))
            if sees(name) and (not ready or state == "READY"):
                found.append({"name": name, "version": version, "state": state, "reason": reason})
        return found

    def as_json(self, name: str) -> dict[str, Any]:
        """What is served as NAME, and what happened.  Raises Refused."""
        found = self.deployments.get(name)
        states = [entry for entry in self.index() if entry["name"] == name]
        if found is None and not states:
            raise Refused(404, f"no model is called {name!r}")
        shadow = found.shadow.as_json() if found and found.shadow else None
        facts = {"name": name, **self.plan(name).as_json(), "versions": states, "on_trial": name in self.trials}
        return {**facts, "compared": shadow, "events": self.events.of(name)}

    @property
    def models(self) -> list[Served]:
        """All that are loaded."""
        return [version.served for version in self.loaded.values()]
