"""Keeps news coming as long as somebody watches: one look at the catalog for all pages, ten times a second."""

from __future__ import annotations

import asyncio
import logging
import time

import anyio
from anyio.to_thread import run_sync

from aimass.console.live.source import Source
from aimass.console.live.topic import Topic
from aimass.core.errors import StoreError
from aimass.store.catalog import Catalog

log = logging.getLogger("aimass.console")
EVERY = 0.1  # seconds between looks
AGAIN = 2.0  # seconds until the next look when the catalog could not be read
LINGER = 60.0  # seconds that a topic is kept after the last one left: time to come back


class Feed:
    """Topics of CATALOG.  Everything but the looks is done on the event loop."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.topics: dict[str, Topic] = {}
        self.bells: set[asyncio.Event] = set()  # of those who wait for news
        self.every = EVERY  # seconds between looks
        self.looked = 0.0  # when the catalog was last read
        self._begun = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._thread = anyio.CapacityLimiter(1)

    async def watch(self, name: str) -> Topic:
        """The topic NAME, which is alive until `leave`.  Raises StoreError when the catalog cannot be read."""
        async with self._begun:
            if self._task is None or self._task.done():
                await self._begin(name)
        topic = self.topics.setdefault(name, Topic(name))
        topic.watchers += 1
        return topic

    async def _begin(self, name: str) -> None:
        """Look from now on; what happened since an earlier time is not known."""
        source = await run_sync(Source, self.catalog, limiter=self._thread)
        for topic in self.topics.values():
            topic.lose()
        self._ring()
        self.topics.setdefault(name, Topic(name))  # before the task looks whether there is any
        self._task = asyncio.get_running_loop().create_task(self._run(source))

    def _ring(self) -> None:
        for bell in self.bells:
            bell.set()

    def leave(self, topic: Topic) -> None:
        """One who watched TOPIC does so no more."""
        topic.watchers -= 1
        topic.left = time.monotonic()

    async def _run(self, source: Source) -> None:
        while self._living():
            try:
                news = await run_sync(source.look, set(self.topics), limiter=self._thread)
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
