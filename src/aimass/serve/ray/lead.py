"""What all replicas of a command serve, decided as the supervisor of workers does it.

Replicas cannot be called from outside Ray Serve, so they fetch what they are asked.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, TypedDict

from aimass.serve.observe.vitals import Facts
from aimass.serve.workers.channel import Answering, Gone, Talk
from aimass.serve.workers.owner import Owner
from aimass.serve.workers.sums import Sums

FRESH = 0.5  # seconds in which a replica says what it counted; then it counts as it last did


class Hello(TypedDict):
    """What a replica says of itself: ID for as long as it lives, URL, what it serves, and numbers that can be set."""

    id: str
    url: str
    plans: dict[str, Any]
    defaults: dict[str, float]
    values: dict[str, float]


class Heard:
    """A replica as it is known here."""

    def __init__(self, number: int, url: str) -> None:
        self.number, self.url = number, url
        self.post: asyncio.Queue[str] = asyncio.Queue()
        self.talk = Talk({}, lambda message: self.post.put_nowait(json.dumps(message)))
        self.heard, self.answers, self.generation = 0.0, False, 0

    async def ask(self, what: str, seconds: float | None = None, **said: Any) -> Any:
        """Raises what it raises, Gone, or TimeoutError."""
        return await self.talk.ask(what, seconds, **said)

    def as_json(self) -> dict[str, Any]:
        """Its state, for those who look."""
        state = "ready" if self.answers else "starting"
        return {"worker": self.number, "url": self.url, "state": state, "generation": self.generation}


class Lead:
    """Of the replicas of one command."""

    def __init__(self) -> None:
        self.replicas: dict[str, Heard] = {}
        self.sums = Sums()
        self.owner = Owner(lambda: [*self.replicas.values()], self.sums)
        self.numbers, self.known = count(1), dict[str, int]()
        self.tasks: set[asyncio.Task[None]] = set()

    def urls(self) -> set[str]:
        return {one.url for one in self.replicas.values() if one.answers}

    # -- who is there ---------------------------------------------------------------------------------------------

    def join(self, replica: str, hello: Hello, now: float) -> None:
        """REPLICA answers soon: with what is wanted, or with what it says when it is the first."""
        if not self.owner.generation:
            self.owner.begin(hello["plans"], hello["defaults"])
            self.owner.parameters.values = dict(hello["values"])
        number = self.known.get(hello["id"]) or next(self.numbers)
        self.known[hello["id"]] = number
        one = self.replicas[replica] = Heard(number, hello["url"])
        asked: dict[str, Answering] = {
            "change": self.owner.ask, "seen": self._seen, "report": partial(self._report, one),
            "parameters": self._parameters, "set": self.owner.set, "undo": self.owner.undo,
            "job": self.owner.job,
        }  # fmt: skip
        one.talk.known, one.heard = asked, now
        task = asyncio.get_running_loop().create_task(self._begin(one))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _begin(self, one: Heard) -> None:
        with suppress(Gone):  # where it cannot, it says why where it ends
            one.generation = self.owner.generation
            await one.ask("begin", **self.owner.now())
            one.answers = True

    def hear(self, replica: str, message: str, now: float) -> None:
        one = self.replicas.get(replica)
        if one is not None:
            one.heard = now
            one.talk.hear(json.loads(message))

    async def orders(self, replica: str) -> list[str] | None:
        """Messages for REPLICA, once there are any; None when it is not known."""
        one = self.replicas.get(replica)
        if one is None:
            return None
        found = [await one.post.get()]
        while not one.post.empty():
            found.append(one.post.get_nowait())
        return found if replica in self.replicas else None

    def forget(self, replica: str, *, ended: bool) -> None:
        """What it counted stays; one that was only silent may come again and count on."""
        one = self.replicas.pop(replica, None)
        if one is None:
            return
        one.talk.close()
        one.post.put_nowait("")  # who waits for orders is answered
        if ended:
            self.sums.died(one.number)
        else:
            self.sums.last.pop(one.number, None)

    def look(self, since: float) -> None:
        """Leave out who was last heard before SINCE; end trials that can be ended."""
        for replica, one in [*self.replicas.items()]:
            if one.heard < since:
                self.forget(replica, ended=False)
        self.owner.look()

    # -- what replicas ask ----------------------------------------------------------------------------------------

    async def _report(self, one: Heard, seen: dict[str, Any]) -> None:
        if not one.talk.ended.is_set():
            self.sums.told(one.number, seen)
            one.generation = max(one.generation, seen["generation"])

    async def _asked(self, one: Heard) -> None:
        with suppress(Gone, TimeoutError):
            await self._report(one, await one.ask("report", FRESH))

    async def _seen(self, name: str) -> dict[str, Any]:
        """What all know together, as new as they can tell."""
        await asyncio.gather(*(self._asked(one) for one in self.replicas.values()))
        workers = [one.as_json() for one in self.replicas.values()]
        found = self.sums.all(Facts(workers=Counter(one["state"] for one in workers)))
        found.trials, found.events = [*self.owner.trials.running], self.owner.events.of(name)
        found.generation, found.workers = self.owner.generation, workers
        return found.as_json()

    async def _parameters(self) -> dict[str, Any]:
        return self.owner.parameters.as_json()
