"""Requests that are sent when their time has come, whether those before were answered or not.

A closed loop asks less the slower it is answered, and so never sees an overload; here arrivals are drawn beforehand,
and what a request took counts from when it was to be sent.  Raw sockets on one event loop: HTTP/1.1 with bodies that
are made once, and grpcio for a share of them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

MOST = 4000  # connections


class Told(NamedTuple):
    """Of one request: how it was asked, its status (0: broken), when it was due, sent and answered, in seconds."""

    kind: str
    status: int
    due: float
    sent: float
    done: float

    @property
    def seconds(self) -> float:
        """From when it was due, so that a late sender makes the server look worse, never better."""
        return self.done - self.due


class Talk(asyncio.Protocol):
    """One connection: a request, then its answer."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.heard = b""
        self.answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def ask(self, request: bytes) -> asyncio.Future[int]:
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self.heard += data
        head, found, body = self.heard.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().index(b"content-length:") + 15
        if len(body) >= int(head[at:].split(b"\r\n", 1)[0]):
            self.heard = b""
            self._tell(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self._tell(0)

    def _tell(self, status: int) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(status)


class Pool:
    """Connections to PORT: a free one, or one more."""

    def __init__(self, port: int) -> None:
        self.port, self.free, self.made = port, deque[Talk](), 0

    async def status(self, request: bytes) -> int:
        talk = self.free.pop() if self.free else await self._more()
        if talk is None:
            return 0
        status = await talk.ask(request)
        if status and not talk.transport.is_closing():
            self.free.append(talk)
        return status

    async def _more(self) -> Talk | None:
        if self.made >= MOST:
            return None
        self.made += 1
        try:
            return (await asyncio.get_running_loop().create_connection(Talk, "127.0.0.1", self.port))[1]
        except OSError:
            return None


Send = Callable[[], Awaitable[int]]


@dataclass(frozen=True)
class Kind:
    """A way to ask, and the share of requests that are asked so."""

    name: str
    send: Send
    share: float


def http_request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def numbers_body(rows: int = 1, **parameters: object) -> bytes:
    """A V2 request to a model of one number."""
    said = {"inputs": [{"name": "a", "shape": [rows], "datatype": "FP64", "data": [1.5] * rows}]}
    return json.dumps({**said, **({"parameters": parameters} if parameters else {})}).encode()


async def arrivals(kinds: Sequence[Kind], rate: float, seconds: float, seed: int = 0) -> list[Told]:
    """RATE requests a second for so many SECONDS, their gaps drawn by lot (Poisson); returns when all are answered."""
    rng = np.random.default_rng(seed)
    due = np.cumsum(rng.exponential(1 / rate, int(rate * seconds)))
    chosen = rng.choice(len(kinds), len(due), p=np.array([kind.share for kind in kinds]) / sum(k.share for k in kinds))
    told: list[Told] = []
    gc.disable()  # thousands wait here, too: to walk them would make the server look slow
    begin = time.perf_counter() + 0.05

    async def ask(kind: Kind, at: float) -> None:
        sent = time.perf_counter()
        status = await kind.send()
        told.append(Told(kind.name, status, at, sent, time.perf_counter()))

    tasks = set[asyncio.Task[None]]()
    for offset, which in zip(due, chosen, strict=True):
        wait = begin + offset - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(ask(kinds[which], begin + offset))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.wait(set(tasks))
    gc.enable()
    return told


async def closed_loop(send: Send, clients: int, seconds: float) -> tuple[float, int]:
    """Answers a second that CLIENTS get who ask again at once, and how many failed."""
    until, good, bad = time.perf_counter() + seconds, 0, 0

    async def ask() -> None:
        nonlocal good, bad
        while time.perf_counter() < until:
            status = await send()
            good, bad = good + (status == 200), bad + (status != 200)

    await asyncio.gather(*(ask() for _ in range(clients)))
    return good / seconds, bad
