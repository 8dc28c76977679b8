"""Makes plans true: loads what is needed, lets it prove itself, switches, watches, and gives back what is not.

The version that answers goes on answering until the new one is ready; a switch is one step of the event loop, so every
request is answered by one version, wholly.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aimass.serve.access.sight import sees
from aimass.serve.batch.turns import Turn
from aimass.serve.messages import Refused
from aimass.serve.metrics import Counts
from aimass.serve.predictor import Served, Wanted
from aimass.serve.seen import UNLOADED, Key, Seen
from aimass.serve.tasks import Tasks
from aimass.serve.versions.deployment import Deployment
from aimass.serve.versions.desired import Plan
from aimass.serve.versions.events import Events
from aimass.serve.versions.repository import Repository
from aimass.serve.versions.trials import Step, Trials
from aimass.serve.versions.version import Version


class Life:
    """Of all versions of a server.

    PROVE raises Refused for a version that may not answer; LOAD makes one ready, in another thread; CHANGED is told
    when requests have to find their way anew.  What others decide, where several processes serve the same, is done by
    `keep`, `adopt` and `let_go`.
    """

    def __init__(
        self, repository: Repository, *, prove: Callable[[Wanted], Awaitable[Any]], load: Callable[[Wanted], Served],
        version: Callable[[Served], Version], changed: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.repository, self.prove, self.load, self.version = repository, prove, load, version
        self.changed = changed
        self.deployments: dict[str, Deployment] = {}
        self.loaded: dict[Key, Version] = {}
        self.leaving: list[Version] = []  # they answer what they were asked
        self.counts: dict[Key, Counts] = {}  # of versions that were here, and may come again
        self.states: dict[Key, tuple[str, str]] = {}  # and why
        self.wanted = Counter[Key]()  # versions that a change under way is about to use
        self.loading: dict[Key, asyncio.Task[Version]] = {}
        self.trials = Trials(self._counts, lambda name, word: self.loaded[name, word].served.goal)
        self.tasks = Tasks()
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

    async def _load(self, key: Key, *, proved: bool = False) -> Version:
        """The version KEY, ready; loaded once for all who wait for it."""
        if key not in self.loading:
            task = self.loading[key] = asyncio.create_task(self._made_ready(key, proved))
            task.add_done_callback(lambda done: self.loading.pop(key, None))
        return await asyncio.shield(self.loading[key])

    async def _made_ready(self, key: Key, proved: bool) -> Version:
        if not proved:
            await self._proved(key)
        with self._noting(key):
            self._note(*key, "LOADING")
            served = await asyncio.to_thread(self.load, await asyncio.to_thread(self.repository.find, *key))
        self._note(*key, "READY")
        self.loaded[key] = found = self.version(served)
        return found

    async def _proved(self, key: Key) -> None:
        with self._noting(key):
            wanted = await asyncio.to_thread(self.repository.find, *key)
            self._note(*key, "LOADING", "on probation")
            await self.prove(wanted)

    @contextmanager
    def _noting(self, key: Key) -> Iterator[None]:
        """What goes wrong is to be seen where versions are listed."""
        try:
            yield
        except Exception as error:
            self._note(*key, "UNAVAILABLE", str(error))
            self.events.add(key[0], "refused", version=key[1], why=str(error))
            raise

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
        self.trials.switched(name, before, plan)
        self.changed()
        self.events.add(name, "plan", why=why, **plan.as_json())

    def _release(self, name: str) -> None:
        """Give back versions of NAME that nothing needs: when they have answered what they were asked."""
        needed = self.plan(name).needed
        for key in [key for key in self.loaded if key[0] == name]:
            if key[1] not in needed and self.wanted[key] <= 0:
                self.tasks.begin(self._drained(key, self.loaded.pop(key)))

    async def _drained(self, key: Key, version: Version) -> None:
        self._note(*key, "UNLOADING")
        self.leaving.append(version)
        await version.drained()
        self.leaving.remove(version)
        self.counts.setdefault(key, Counts(*key)).merge(version.served.counts)
        if key not in self.loaded:
            self._note(*key, "UNAVAILABLE", UNLOADED)
            self.events.add(key[0], "unloaded", version=key[1])

    # -- what was decided elsewhere -----------------------------------------------------------------------------

    async def proved(self, name: str, word: str) -> None:
        """The version WORD of NAME may answer.  Raises Refused."""
        await self._proved((name, word))

    async def keep(self, name: str, word: str) -> None:
        """Load a version that proved itself, and keep it until `let_go`.  Raises what loading raises."""
        self.wanted[name, word] += 1
        if (name, word) not in self.loaded:
            await self._load((name, word), proved=True)

    def let_go(self, name: str, words: Sequence[str]) -> None:
        """Those WORDS need not be kept any more, unless they are needed."""
        self.wanted.subtract((name, word) for word in words)
        self._release(name)

    async def adopt(self, name: str, plan: Plan, why: str) -> None:
        """PLAN is what NAME is served by; what it needs and is not here is loaded first."""
        lacking = [(name, word) for word in plan.needed if (name, word) not in self.loaded]
        await asyncio.gather(*(self._load(key, proved=True) for key in lacking))
        self._switch(name, plan, why)
        self._release(name)

    # -- watching ---------------------------------------------------------------------------------------------

    def _counts(self, name: str, word: str) -> Counts | None:
        found = self.loaded.get((name, word))
        return found.served.counts if found else None

    def look(self) -> None:
        """Once a second: end trials that can be ended."""
        for name, step, why in self.trials.look(self.plan):
            self.tasks.begin(self.change(name, step, why))

    # -- what is said -----------------------------------------------------------------------------------------

    def _note(self, name: str, version: str, state: str, reason: str = "") -> None:
        self.states[name, version] = state, reason

    def counted(self) -> Counter[str]:
        """How many versions are in which state."""
        return Counter(state for state, _ in self.states.values())

    def seen(self) -> Seen:
        """What this process knows."""
        found = Seen(states={**self.states}, trials=[*self.trials.running])
        for version in (*self.loaded.values(), *self.leaving):
            key, counts = (version.name, version.version), version.served.counts
            kept = found.counts.get(key) or self.counts.get(key)
            if kept is not None:
                counts = Counts.from_json(counts.as_json())
                counts.merge(kept)
            found.counts[key], found.goals[key] = counts, version.served.goal
        found.models = {model.label: {"digest": model.digest, **model.health()} for model in self.models}
        shadows = {name: one.shadow for name, one in self.deployments.items()}
        found.shadows = {name: shadow.as_json() for name, shadow in shadows.items() if shadow}
        return found

    def index(self, seen: Seen, *, ready: bool = False) -> list[dict[str, str]]:
        """All versions that are here or could be, as V2's repository extension lists them."""
        known = dict.fromkeys([*self.repository.list(), *seen.states])
        found = []
        for name, version in known:
            state, reason = seen.states.get((name, version), ("UNAVAILABLE", "not loaded"))
            if sees(name) and (not ready or state == "READY"):
                found.append({"name": name, "version": version, "state": state, "reason": reason})
        return found

    def as_json(self, name: str, seen: Seen) -> dict[str, Any]:
        """What is served as NAME, and what happened.  Raises Refused."""
        states = [entry for entry in self.index(seen) if entry["name"] == name]
        if name not in self.deployments and not states:
            raise Refused(404, f"no model is called {name!r}")
        facts = {"name": name, **self.plan(name).as_json(), "versions": states, "on_trial": name in seen.trials}
        return {**facts, "compared": seen.shadows.get(name), "events": seen.events}

    def versions(self, name: str) -> list[Version]:
        """Those of NAME that are loaded."""
        return [version for (one, _), version in self.loaded.items() if one == name]

    @property
    def models(self) -> list[Served]:
        """All that are loaded."""
        return [version.served for version in self.loaded.values()]
