"""A worker as the supervisor sees it: a process, a channel to it, and what it is about to do."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from aimass.core.errors import AimassError, TaskFailed, error_from_json
from aimass.engines.host.limits import held
from aimass.serve.tasks import Tasks
from aimass.serve.workers.channel import Answering, Channel

STARTING, READY, LEAVING = "starting", "ready", "leaving"

log = logging.getLogger("aimass.serve")


class Child:
    """The process of a worker, which runs COMMAND.  KNOWN answers what it asks, given this child first."""

    number: int  # of its seat

    def __init__(self, command: Sequence[str], known: Mapping[str, Answering]) -> None:
        self.command = command
        self.line, self.theirs = socket.socketpair()
        here: dict[str, Answering] = {
            "hello": self._hello,
            "beat": self._beat,
            "failed": self._failed,
            "bye": self._bye,
        }
        self.channel = Channel(self.line, {**{what: partial(one, self) for what, one in known.items()}, **here})
        self.state = STARTING
        self.said: dict[str, Any] | None = None  # with its hello
        self.error: AimassError | None = None  # why it could not begin
        self.why = ""  # it was ended
        self.generation = 0
        self.began = self.heard = time.monotonic()
        self.greeted, self.ended = asyncio.Event(), asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self.tasks = Tasks()

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    async def start(self, passed: Collection[int]) -> None:
        """Start it with the descriptors that are PASSED; it waits to be `seated`.  Raises OSError."""
        command = [*self.command, "--channel", str(self.theirs.fileno())]
        try:
            self.process = await asyncio.create_subprocess_exec(
                *command, pass_fds=(self.theirs.fileno(), *passed), stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except OSError:
            self.line.close()
            raise
        finally:
            self.theirs.close()
        self.tasks.begin(self._watch())

    def seated(self, number: int, order: Mapping[str, Any]) -> None:
        """It takes the seat NUMBER, and learns its ORDER."""
        self.number, self.began = number, time.monotonic()
        self.tasks.begin(self._greet(order))

    async def _greet(self, order: Mapping[str, Any]) -> None:
        """The first line goes out before the channel is read: the worker reads it before it has an event loop."""
        self.line.setblocking(False)
        with suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(self.line, json.dumps(order).encode() + b"\n")
            await self.channel.listen()

    async def _watch(self) -> None:
        assert self.process is not None
        code = await self.process.wait()
        self.why = self.why or (self.error.what if self.error else ending(code))
        with suppress(TimeoutError):  # what it said last is still to be read
            await asyncio.wait_for(self.channel.ended.wait(), 1)
        self.channel.close()
        self.ended.set()
        self.greeted.set()

    # -- what it says ---------------------------------------------------------------------------------------------

    async def _hello(self, **said: Any) -> None:
        self.said, self.heard = said, time.monotonic()
        self.greeted.set()

    async def _beat(self) -> None:
        self.heard = time.monotonic()

    async def _failed(self, error: dict[str, str]) -> None:
        self.error = error_from_json(error)

    async def _bye(self) -> None:
        self.state = LEAVING

    # -- what is done to it ---------------------------------------------------------------------------------------

    async def ask(self, what: str, seconds: float | None = None, **said: Any) -> Any:
        """Raises what it raises, Gone, or TimeoutError."""
        return await self.channel.ask(what, seconds, **said)

    def kill(self, why: str) -> None:
        """End it, and what it started, at once."""
        self.why = self.why or why
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def failure(self) -> AimassError:
        """Why it did not begin, as it said itself, or as its end says."""
        return self.error or TaskFailed(f"worker {self.number} {self.why} before it was ready")

    def silent(self) -> float:
        """Seconds since it was last heard."""
        return time.monotonic() - self.heard

    def memory(self) -> int:
        """Bytes that it holds and nobody else does."""
        return held(self.pid) or 0

    def as_json(self) -> dict[str, Any]:
        """Its state, for those who look."""
        seconds = time.monotonic() - self.began
        return {"pid": self.pid, "state": self.state, "seconds": round(seconds, 1), "generation": self.generation,
                "memory_mb": self.memory() >> 20}  # fmt: skip


def ending(code: int) -> str:
    """How a process ended."""
    names = {-one.value: one.name for one in signal.Signals}
    return f"was ended by {names.get(code, f'signal {-code}')}" if code < 0 else f"ended with {code}"
