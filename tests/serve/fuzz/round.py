"""Lets callers who send anything meet a whole server, without sockets; says what it did that it must not do."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.serve.fuzz.shapes import any_of_them, pieces

from aimass.serve.listening import Listening
from aimass.serve.predictor import Served
from aimass.serve.server import Server

STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
REFUSALS = {503, 504}  # of those from 500 on, what a caller may be told
TOGETHER = 32  # callers at a time
GOOD = b'POST /v1/predict/m HTTP/1.1\r\nhost: a\r\ncontent-length: 19\r\n\r\n{"record":{"a": 2}}'
PATIENCE = 10.0  # seconds in which whoever was heard must be answered


class Wire:
    """A transport of a caller who reads all that is said."""

    def __init__(self, protocol: Any) -> None:
        self.protocol, self.sent, self.closed, self.reading = protocol, bytearray(), False, True

    def write(self, data: bytes) -> None:
        if not self.closed:
            self.sent += data

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self._lost)

    abort = close

    def _lost(self) -> None:
        self.protocol.connection_lost(None)

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None: ...

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str) -> Any:
        return None


@dataclass
class Found:
    """Requests that were sent, answers by status, and what must not be: with the seed that shows it again."""

    callers: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Errors(logging.Handler):
    """What the server could not foresee, it logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


async def fuzzed(server: Server, many: int, seed: int, found: Found) -> None:
    """MANY callers, drawn from SEED on, TOGETHER at a time."""
    errors = Errors()
    logging.getLogger("aimass.serve").addHandler(errors)
    asyncio.get_running_loop().set_exception_handler(lambda loop, facts: errors.told.append(repr(facts)))
    try:
        for begin in range(seed, seed + many, TOGETHER):
            last = min(begin + TOGETHER, seed + many)
            await _together(server, range(begin, last), found, errors)
            if errors.told:
                found.wrong.append(f"seeds {begin}..{last}: {errors.told[0][-1500:]}")
                errors.told.clear()
    finally:
        logging.getLogger("aimass.serve").removeHandler(errors)


async def _together(server: Server, seeds: range, found: Found, errors: Errors) -> None:
    wires = [(seed, await _said(server, seed, found)) for seed in seeds]
    good = Wire(server.front.connection())
    good.protocol.connection_made(good)
    good.protocol.data_received(GOOD)
    wires.append((-1, good))
    until = asyncio.get_running_loop().time() + PATIENCE
    while any(_waits(wire) for _, wire in wires):
        if asyncio.get_running_loop().time() > until:
            found.wrong.append(f"never answered: {[seed for seed, wire in wires if _waits(wire)]}")
            break
        await asyncio.sleep(0)
    for seed, wire in wires:
        if not wire.closed:
            wire.protocol.eof_received()
            wire.close()
        _look(seed, bytes(wire.sent), found)
    await asyncio.sleep(0)
    if b'"predictions":[{"value":1002.0}]' not in good.sent:
        found.wrong.append(f"seeds {seeds}: a good request is answered {bytes(good.sent)[:300]!r}")
    if server.crowd.connections or server.crowd.held:
        found.wrong.append(
            f"seeds {seeds}: {len(server.crowd.connections)} connections, {server.crowd.held} bytes are left"
        )
        server.crowd.connections.clear()
        server.crowd.held = 0


async def _said(server: Server, seed: int, found: Found) -> Wire:
    """What the caller SEED sends."""
    chance = Random(seed)
    wire = Wire(server.front.connection())
    wire.protocol.connection_made(wire)
    found.callers += 1
    for piece in pieces(chance, any_of_them(chance)):
        for _ in range(3):
            if not wire.reading:
                await asyncio.sleep(0)
        if wire.closed:
            break
        try:
            wire.protocol.data_received(piece)
        except Exception as error:
            found.wrong.append(f"seed {seed}: {error!r}")
            break
    return wire


def _waits(wire: Wire) -> bool:
    """Whether somebody was heard and not answered."""
    protocol = wire.protocol
    if wire.closed:
        return False
    calls = getattr(protocol, "calls", None)
    return bool(protocol.open) if calls is None else any(call.ended and not call.waiting for call in calls.values())


def _look(seed: int, sent: bytes, found: Found) -> None:
    for status in map(int, STATUS.findall(sent)):
        found.answers[status] = found.answers.get(status, 0) + 1
        if status >= 500 and status not in REFUSALS:
            found.wrong.append(f"seed {seed}: {status}")
    if b"the server failed at this" in sent:
        found.wrong.append(f"seed {seed}: {sent[:300]!r}")


def server_of(model: Served) -> Server:
    from aimass.serve.app import App

    where = Listening("http://a", "a", 80, 0, model.label)
    return Server(App([model]), [], where, lambda listening: None)
