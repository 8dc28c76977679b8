"""Does in one process what the owner of the plans has decided for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aimass.serve.predictor import Wanted
from aimass.serve.seen import Key, Seen
from aimass.serve.versions.desired import Plan
from aimass.serve.versions.repository import Repository


class Follower:
    """In the process of APP, which is set once it is made."""

    app: Any

    def __init__(self) -> None:
        self.generation = 0
        self.changing: dict[str, int] = {}  # names whose generation others may not have yet
        self.kept: dict[int, list[Key]] = {}  # what a change has asked to keep
        self.deciding = asyncio.Lock()

    @property
    def known(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """What the owner may ask, by its word."""
        return {
            "prove": self._prove, "keep": self._keep, "let_go": self._let_go, "adopt": self.adopt,
            "settle": self._settle, "set": self._set, "report": self.report, "job": self.job,
        }  # fmt: skip

    async def begin(
        self, plans: Mapping[str, Any], values: Mapping[str, float], generation: int, changing: Mapping[str, int]
    ) -> None:
        """Serve PLANS, and nothing else, with these VALUES of parameters; not all have those that are CHANGING."""
        async with self.deciding:
            self.changing = dict(changing)
            self.app.live.set(values)
            for name in {*self.app.deployments} - {*plans}:
                await self.app.life.adopt(name, Plan(), "begins")
            for name, facts in plans.items():
                await self.app.life.adopt(name, Plan.from_whole(facts), "begins")
            self.generation = generation

    async def adopt(self, name: str, plan: Mapping[str, Any], why: str, generation: int) -> None:
        async with self.deciding:
            self.changing[name] = generation
            await self.app.life.adopt(name, Plan.from_whole(plan), why)
            self.generation = generation

    async def _settle(self, generation: int) -> None:
        """All have that GENERATION."""
        self.changing = {name: since for name, since in self.changing.items() if since > generation}

    def settled(self, name: str = "") -> bool:
        """Whether all serve NAME, or all there is, as it was last decided."""
        return name not in self.changing if name else not self.changing

    async def report(self) -> dict[str, Any]:
        found: Seen = self.app.seen()
        found.generation = self.generation
        return found.as_json()

    async def job(self, **said: Any) -> dict[str, Any]:
        """What is told of a job that is here.  Raises Refused."""
        return dict(self.app.explanations.jobs.told(**said))

    def plans(self) -> dict[str, Any]:
        """What is served here, by name."""
        return {name: one.plan.whole() for name, one in self.app.deployments.items()}

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

    async def _set(self, values: dict[str, float]) -> None:
        self.app.live.set(values)


def needed(plans: Mapping[str, Any] | None, wanted: Sequence[Wanted], repository: Repository | None) -> list[Wanted]:
    """What is to be loaded: WANTED, or what PLANS need meanwhile and came out of REPOSITORY.  Raises Refused."""
    if plans is None:
        return list(wanted)
    given = {(one.name, one.word): one for one in wanted}
    keys = [(name, word) for name, facts in plans.items() for word in Plan.from_whole(facts).needed]
    return [given[key] if key in given or repository is None else repository.find(*key) for key in keys]
