"""The live socket, one a tab: pages subscribe to topics, and get numbered news of each.

A page that was away says which number it saw last, and gets what came since, or is told to load again.  A slow page
holds up nobody: it reads from what a topic keeps, at its own pace.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Annotated, Any

import anyio
import orjson
from anyio.to_thread import run_sync
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from aimass.console.access.caller import Caller
from aimass.console.access.who import caller_of, check_held, needs
from aimass.console.access.whose import LISTED
from aimass.console.api.jobs import job_of
from aimass.console.api.runs import run_of
from aimass.console.live.feed import Feed
from aimass.console.live.source import within
from aimass.console.live.topic import Topic
from aimass.console.place import Place, place_of
from aimass.console.refusals import Refusal
from aimass.core.errors import AimassError

router = APIRouter(prefix="/api/v1")
NAMES = "runs, run/12, jobs, job/12, endpoints, log or home"
LARGEST = 4096  # letters of a message of a page
TOPICS = 32  # of a page
TABS = 64  # of a user
BEAT = 5.0  # seconds between signs of life
RECHECK = 10.0  # seconds after which a session is looked at again
SLOW = 30.0  # seconds a page may take to read a message
ENDED, TOO_LARGE, LATER = 4401, 1009, 1013  # why a socket is closed

Number = Annotated[int, Field(ge=0, lt=1 << 63)]


class Subscribe(BaseModel):
    """News of a topic from now on, or SINCE a number."""

    model_config = ConfigDict(extra="forbid")
    subscribe: str = Field(max_length=40)
    since: Number | None = None


class Unsubscribe(BaseModel):
    model_config = ConfigDict(extra="forbid")
    unsubscribe: str = Field(max_length=40)


class Pace(BaseModel):
    """At most one packet of news in PACE seconds: a hidden tab needs no more."""

    model_config = ConfigDict(extra="forbid")
    pace: float = Field(ge=0, le=60)


Said = TypeAdapter[Subscribe | Unsubscribe | Pace](Subscribe | Unsubscribe | Pace)


class Tab:
    """A page that watches: its topics, with the number of the last news it got of each."""

    def __init__(self, socket: WebSocket, caller: Caller, place: Place) -> None:
        self.socket, self.caller, self.place = socket, caller, place
        self.topics: dict[str, tuple[Feed, Topic, int]] = {}
        self.bell, self.pace = asyncio.Event(), 0.0
        self.sending = asyncio.Lock()

    async def listen(self) -> int:
        """Do what the page says until it goes (0), or is to go: the code to close the socket with."""
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return 0
            said = message.get("text") or (message.get("bytes") or b"")
            if len(said) > LARGEST:
                return TOO_LARGE
            try:
                await self._do(Said.validate_json(said))
            except ValidationError:
                await self.send(orjson.dumps({"error": "this is not understood", "expected": _EXPECTED}).decode())
            except AimassError as error:
                await self.send(orjson.dumps({**_named(said), **error.as_json()}).decode())

    async def _do(self, said: Subscribe | Unsubscribe | Pace) -> None:
        if isinstance(said, Pace):
            self.pace = said.pace
        elif isinstance(said, Unsubscribe):
            self._leave(said.unsubscribe)
        else:
            await self._subscribe(said.subscribe, said.since)

    async def _subscribe(self, name: str, since: int | None) -> None:
        feed = self._admitted(name)
        first = await run_sync(self._first, name)
        if name not in self.topics and len(self.topics) >= TOPICS:
            raise Refusal(409, f"{TOPICS} topics are watched already", todo="unsubscribe from one")
        self._leave(name)
        topic = await feed.watch(within(self.place.catalog.reach, name))
        if since is None:
            self.topics[name] = feed, topic, topic.n
            await self.send(topic.message(first))
        else:
            self.topics[name] = feed, topic, since
            self.bell.set()

    def _admitted(self, name: str) -> Feed:
        """Who tells of NAME.  Raises Refusal for what is no topic (404), or none for this caller (403)."""
        kind = next((one for one in self.place.kinds if one.pattern.fullmatch(name)), None)
        if kind is None:
            raise Refusal(404, f"no topic is called {name!r}", expected=NAMES)
        check_held(self.caller, kind.needs)
        return kind.feed

    def _first(self, name: str) -> dict[str, Any]:
        """What a page that begins with NAME gets.  Raises Refusal (404) for a run or a job that is not there."""
        word, _, id = name.partition("/")
        if word == "run":
            return {"points": [], "lines": [], "run": run_of(self.place.catalog, int(id))}
        if word == "job":
            job_of(self.place.catalog, id)
        return {"changed": []} if word == "runs" else {}

    def _leave(self, name: str) -> None:
        if name in self.topics:
            feed, topic, _ = self.topics.pop(name)
            feed.leave(topic)

    async def tell(self) -> None:
        """Send news as they come, and beats, until the session ends."""
        checked = beaten = time.monotonic()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(BEAT, RECHECK)):  # wait_for would make a task of it
                    await self.bell.wait()
            self.bell.clear()
            now = time.monotonic()
            if now - checked >= RECHECK:
                if (await run_sync(caller_of, self.socket)).grants != self.caller.grants:
                    raise Refusal(401, "what you may see has changed", todo="load the page again")
                checked = now
            if now - beaten >= BEAT:
                await self._beat()
                beaten = now
            await self._news()
            await asyncio.sleep(self.pace)

    async def _news(self) -> None:
        for name, found in list(self.topics.items()):
            feed, topic, seen = found
            if topic.n == seen or self.topics.get(name) is not found:  # left while news of others were sent
                continue
            news = topic.since(seen)
            now = self.topics[name] = feed, topic, topic.n
            for text in [topic.reset()] if news is None else news:
                if self.topics.get(name) is now:  # left, or begun anew, while these are sent
                    await self.send(text)

    async def _beat(self) -> None:
        """A sign that all was looked at lately; where it was not, pages see for themselves that news stand still."""
        now = time.monotonic()
        if all(now - feed.looked < feed.every + BEAT for feed, _, _ in self.topics.values()):
            await self.send('{"beat":true}')

    async def send(self, text: str) -> None:
        async with self.sending, asyncio.timeout(SLOW):
            await self.socket.send_text(text)

    def close(self) -> None:
        for name in list(self.topics):
            self._leave(name)


@router.websocket("/live")
async def live(socket: WebSocket, caller: Caller = needs("runs.see", of=LISTED)) -> None:
    """News: {"subscribe": "runs", "run/12", "jobs", ..., "since": n}, {"unsubscribe": ...}, {"pace": seconds}."""
    place = place_of(socket)
    open_tabs = place.tabs.setdefault(caller.name, set())
    if len(open_tabs) >= TABS:
        raise Refusal(429, f"{TABS} tabs are open already", headers={"retry-after": "10"})
    await socket.accept()
    tab = Tab(socket, caller, place)
    open_tabs.add(tab)
    for kind in place.kinds:
        kind.feed.bells.add(tab.bell)
    code, why = 1000, ""
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tab.tell)
            code = await tab.listen()
            tasks.cancel_scope.cancel()
    except* Refusal as refused:
        code, why = ENDED, refused.exceptions[0].args[0]
    except* AimassError:  # whether the session has ended cannot be known now
        code = LATER
    except* (WebSocketDisconnect, TimeoutError):  # the page went, or does not read
        code = 0
    finally:
        for kind in place.kinds:
            kind.feed.bells.discard(tab.bell)
        open_tabs.discard(tab)
        tab.close()
    if code:
        await socket.close(code, why)


_EXPECTED = f'{{"subscribe": {NAMES}, "since": n}}, {{"unsubscribe": ...}} or {{"pace": seconds}}'


def _named(said: str | bytes) -> dict[str, Any]:
    """The topic that SAID is about, for a page that has asked for several."""
    found = orjson.loads(said)
    return {"topic": found.get("subscribe", "")}
