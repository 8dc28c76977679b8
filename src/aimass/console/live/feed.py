"""Keeps news coming as long as somebody watches: one look for all pages, again and again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

import anyio
from anyio.to_thread import run_sync

from aimass.console.live.source import News
from aimass.console.live.topic import Topic
from aimass.core.errors import StoreError

log = logging.getLogger("aimass.console")
AGAIN = 2.0  # seconds until the next look when the catalog could not be read
LINGER = 60.0  # seconds that a topic is kept after the last one left: time to come back


class Looks(Protocol):
    """Where news come from, from its begin on."""

    def learn(self, name: str) -> None:
        """The topic NAME is asked for from now on."""

    def look(self, names: set[str]) -> News:
        """What is new of the topics with NAMES."""


class Feed:
    """Topics of what BEGIN gives, looked at EVERY so many seconds.  All but the looks is done on the event loop."""

    def __init__(self, begin: Callable[[], Looks], every: float) -> None:
        self.begin = begin
        self.topics: dict[str, Topic] = {}
        self.bells: set[asyncio.Event] = set()  # of those who wait for news
        self.every = every
        self.looked = 0.0  # when that went well last
        self._begun = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._looks: Looks | None = None
        self._thread = anyio.CapacityLimiter(1)

    async def watch(self, name: str) -> Topic:
        """The topic NAME, which is alive until `leave`.  Raises StoreError when it cannot be looked."""
        async with self._begun:
            if self._looks is None or not self._going:
                self._looks = await self._begin()
            if name not in self.topics:
                await run_sync(self._looks.learn, name, limiter=self._thread)
            topic = self.topics.setdefault(name, Topic(name))
            topic.watchers += 1
            if not self._going:
                self._task = asyncio.get_running_loop().create_task(self._run(self._looks))
        return topic

    @property
    def _going(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _begin(self) -> Looks:
        """What is looked by from now on; what happened since an earlier time is not known."""
        looks = await run_sync(self.begin, limiter=self._thread)
        for topic in self.topics.values():
            topic.lose()
        self._ring()
        return looks

    def _ring(self) -> None:
        for bell in self.bells:
            bell.set()

    def leave(self, topic: Topic) -> None:
        """One who watched TOPIC does so no more."""
        topic.watchers -= 1
        topic.left = time.monotonic()

    async def _run(self, looks: Looks) -> None:
        while self._living():
            try:
                news = await run_sync(looks.look, set(self.topics), limiter=self._thread)
            except StoreError as error:  # what was missed is read at the next look
                log.warning("live data stand still: %s", error)
                await asyncio.sleep(AGAIN)
                continue
            except Exception:  # the next who watches begins anew
                log.exception("live data have ended")
                return
            self.looked = time.monotonic()
            for name, data in news:
                if name in self.topics:
                    self.topics[name].tell(data)
            if news:
                self._ring()
            await asyncio.sleep(self.every)

    def _living(self) -> bool:
        """Whether a topic is left, after those that nobody came back to are dropped."""
        old = time.monotonic() - LINGER
        for name in [name for name, topic in self.topics.items() if not topic.watchers and topic.left < old]:
            del self.topics[name]
        return bool(self.topics)
