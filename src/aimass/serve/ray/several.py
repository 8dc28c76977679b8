"""A replica's end of the talk with the centre: it serves what is decided there, and asks it when it speaks for all."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from ray.exceptions import RayError

from aimass.serve.app import App
from aimass.serve.ray.lead import Hello
from aimass.serve.workers.channel import Talk
from aimass.serve.workers.follower import Follower
from aimass.serve.workers.together import Together

AGAIN = 0.3  # seconds after which a replica that is not known, or finds no centre, says again that it is there


class Several(Together):
    """The `Whole` of the replica ID, which the command OWNER wants; CENTRE is the actor."""

    def __init__(self, centre: Any, owner: str, id: str) -> None:
        self.centre, self.owner, self.id = centre, owner, id
        self.follower = Follower()
        self.begun = asyncio.Event()  # it serves what all do, or cannot
        self.error: Exception | None = None
        self.key = ""  # of this talk: another one begins with another
        self.channel = self._opened()

    def _opened(self) -> Talk:
        self.key = secrets.token_hex(8)
        known = {**self.follower.known, "begin": self._begin, "adopt": self._adopt}
        return Talk(known, partial(self._send, self.key))

    def _send(self, key: str, message: Mapping[str, Any]) -> None:
        self.centre.hear.remote(self.owner, key, json.dumps(message))

    async def follow(self, app: App, url: str) -> None:
        """Let APP, which answers at URL, do what is decided, for ever."""
        self.follower.app = app
        while True:
            with suppress(RayError):  # it is about to be started again
                live = app.live
                hello = Hello(id=self.id, url=url, plans=self.follower.plans(), defaults=live.defaults,
                              values=live.values)  # fmt: skip
                await self.centre.join.remote(self.owner, self.key, hello)
                while (orders := await self.centre.orders.remote(self.owner, self.key)) is not None:
                    for message in orders:
                        self.channel.hear(json.loads(message))
            self.channel.close()
            await asyncio.sleep(AGAIN)
            self.channel = self._opened()

    async def report(self) -> None:
        """It lives, and what it counted."""
        self.channel.tell("report", seen=await self.follower.report())

    async def leave(self) -> None:
        """It is about to end: nobody is sent there any more, and what it counted stays counted."""
        await self.report()
        self.centre.leave.remote(self.owner, self.key)

    async def _begin(self, **now: Any) -> None:
        await self._tried(self.follower.begin(**now))
        self.begun.set()

    async def _adopt(self, **decided: Any) -> None:
        await self._tried(self.follower.adopt(**decided))

    async def _tried(self, work: Any) -> None:
        """One that cannot do what all others do is not healthy: Ray starts another."""
        try:
            await work
        except Exception as error:
            self.error = error
            self.begun.set()
            raise
