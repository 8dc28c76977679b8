"""Goals 10 and 11, and what hours bring: memory and time that open tabs cost the console, and what is left of them.

The tabs are sockets without a browser, a hundred of which this machine could not hold: each asks for what the page of
a run asks for, then subscribes to what it subscribes to, and reads all that comes.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from lines import Lines
from place import Place
from trainer import training
from websockets.asyncio.client import connect

from aimass.console.access import grants, keys

LIVE = 50  # tabs at 4 Hz
EACH = 50  # tabs with one key: a caller may have 64
WARM = 20  # tabs opened before anything is counted: what is loaded once is no tab's
SETTLES = 10.0  # seconds for memory to come back
MINUTES = 10
AGAIN = 5  # times a hundred tabs, twice
HZ = 0.25  # seconds between points


def holders(place: Place, tabs: int) -> list[str]:
    """Keys for so many TABS."""
    with place.site.workspace.catalog.writing() as link:
        made = [keys.add(link, f"tabs {i}", grants.over_all("viewer"), "ada")[1] for i in range(-(-tabs // EACH))]
    return [made[i // EACH] for i in range(tabs)]


def look(url: str, key: str, run: int) -> None:
    """What the page of RUN asks for."""
    paths = ("me", "runs?state=running,stopping&limit=500", f"runs/{run}", f"runs/{run}/curves?points=800")
    for path in paths:
        request = urllib.request.Request(f"{url}api/v1/{path}", headers={"authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()


@asynccontextmanager
async def opened(place: Place, held: Sequence[str], run: int) -> AsyncIterator[list[int]]:
    """A tab for each key that is HELD; how many points each has heard of."""
    heard = [0] * len(held)
    address = f"{place.site.url.replace('http', 'ws', 1)}api/v1/live"

    async def read(i: int, socket: Any) -> None:
        async for text in socket:
            heard[i] += len(json.loads(text).get("data", {}).get("points", ()))

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        reading = []
        for i, key in enumerate(held):
            await asyncio.to_thread(look, place.site.url, key, run)
            socket = await stack.enter_async_context(
                connect(address, additional_headers={"authorization": f"Bearer {key}"})
            )
            for topic in ("runs", f"run/{run}"):
                await socket.send(json.dumps({"subscribe": topic, "since": None}))
            reading.append(tasks.create_task(read(i, socket)))
        yield heard
        for task in reading:
            task.cancel()


def apart(work: Coroutine[Any, Any, float]) -> float:
    """What WORK gives, in a thread of its own: this one has Playwright's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def memory(place: Place, lines: Lines) -> None:
    """10: what the console holds more while tabs are open, and once all of them have gone."""
    tabs = place.size.tabs
    with training(place.site.workspace, 1_000_000, HZ) as run:
        apart(_held(place, holders(place, WARM), run))
        before = settled(place)
        each = apart(_held(place, holders(place, tabs), run))
        after = settled(place)
    lines.at_most("10 memory of the console for a tab more, MB", (each - before) / tabs, 0.2)
    lines.at_most(f"10 memory after {tabs} tabs have closed, MB more than before", after - before, 5)


async def _held(place: Place, held: Sequence[str], run: int) -> float:
    async with opened(place, held, run) as heard:
        while min(heard) < 8:
            await asyncio.sleep(0.1)
        return place.megabytes()


def settled(place: Place) -> float:
    """Megabytes of the console, some seconds after the last tab has gone."""
    time.sleep(SETTLES)
    return place.megabytes()


def busy(place: Place, lines: Lines) -> None:
    """11: the console's share of a core while so many tabs look at a run that reports at 4 Hz, and with none."""
    with training(place.site.workspace, 1_000_000, HZ) as run:
        idle = apart(_share(place, [], run))
        share = apart(_share(place, holders(place, LIVE), run))
    lines.told("11 share of a core with no tab, %", 100 * idle)
    lines.at_most(f"11 share of a core with {LIVE} tabs at 4 Hz, %", 100 * share, 15)


async def _share(place: Place, held: Sequence[str], run: int) -> float:
    async with opened(place, held, run) as heard:
        await asyncio.sleep(1.0)
        begun, cpu, before = time.monotonic(), place.cpu(), list(heard)
        await asyncio.sleep(place.size.seconds)
        share = (place.cpu() - cpu) / (time.monotonic() - begun)
        assert all(now > then for now, then in zip(heard, before, strict=True)), "a tab heard nothing"
        return share


# -- --long --------------------------------------------------------------------------------------------------------


def hours(place: Place, lines: Lines) -> None:
    """A tab that is open for ten minutes at 4 Hz: what its heap holds, minute by minute."""
    minutes = MINUTES if place.size.times > 3 else 1
    with training(place.site.workspace, 1_000_000, HZ) as run, place.page(f"/runs/{run}") as page:
        page.locator("figure.chart canvas").first.wait_for()
        devtools = page.context.new_cdp_session(page)
        heap = []
        for _ in range(minutes + 1):
            devtools.send("HeapProfiler.collectGarbage")
            heap.append(devtools.send("Runtime.getHeapUsage")["usedSize"] / 1e6)
            page.wait_for_timeout(60_000 if len(heap) <= minutes else 0)
    lines.told("long: heap of a tab at 4 Hz, MB by the minute", [round(one, 2) for one in heap])
    lines.at_most(f"long: heap after {minutes} minutes, MB more than at first", heap[-1] - heap[0], 5)


def returned(place: Place, lines: Lines) -> None:
    """A hundred tabs opened and closed, again and again: at first a heap finds its size; after that it keeps it."""
    held = holders(place, place.size.tabs)
    with training(place.site.workspace, 1_000_000, HZ) as run:
        seen = []
        for _ in range(1 + 2 * AGAIN):
            apart(_held(place, held, run))
            seen.append(settled(place))
    lines.told(f"long: memory after each {len(held)} tabs, MB", [round(one, 1) for one in seen])
    lines.at_most(f"long: memory after {AGAIN} times {len(held)} tabs, MB more", seen[AGAIN] - seen[0], 5)
    lines.at_most(f"long: memory after another {AGAIN} times {len(held)} tabs, MB more", seen[-1] - seen[AGAIN], 5)
