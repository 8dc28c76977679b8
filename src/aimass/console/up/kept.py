"""One process that is kept: started, heard, started again when it ends or hangs, later each time, and stopped."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from aimass.console.alive import started
from aimass.console.logs.aside import put_aside
from aimass.console.up.line import answered
from aimass.core.errors import AimassError, InputError, error_from_json
from aimass.engines.host.failures import Failures
from aimass.serve.workers.child import ending
from aimass.store.catalog import now

STARTING, READY, WAITING, QUARANTINED = "starting", "ready", "waiting", "quarantined"
STOPPING, STOPPED = "stopping", "stopped"
MOST, WINDOW = 8, 120.0  # so many ends within so many seconds, and it is not started again
BEGIN = 120.0  # seconds to say that it is ready
HANG = 60.0  # seconds without a sign of life, beyond which a process that was ready hangs
LEAVE = 45.0  # seconds to end by itself before it is started anew: a job is given 10 to stop, 10 more to be interrupted
LOOK = 0.5  # seconds between looks at the clock
LARGE = 8 << 20  # bytes of a log, beyond which it is begun anew; the one before is kept

Asked = Callable[["Kept", dict[str, Any]], Any]


def nobody(one: Kept, what: dict[str, Any]) -> Any:
    """Answers no process."""
    raise InputError("a process of this kind asks for nothing")


class Kept:
    """The process called NAME, which does as ORDER says and writes to LOG.

    CHANGED is called when its state has; ASKED answers what it asks for.  WANTED are values of parameters, for it and
    for those that come after it.
    """

    def __init__(
        self, name: str, order: dict[str, Any], log: Path, *, passed: Sequence[int] = (),
        changed: Callable[[], None] = lambda: None, asked: Asked = nobody, wanted: dict[str, Any] | None = None,
        most: int = MOST, hang: float = HANG,
    ) -> None:  # fmt: skip
        self.name, self.order, self.log, self.passed, self.changed = name, order, log, passed, changed
        self.asked, self.wanted, self.hang, self.large = asked, {} if wanted is None else wanted, hang, LARGE
        self.failures, self.most = Failures(most, WINDOW), most
        self.state, self.since = STOPPED, now()
        self.facts: dict[str, Any] = {}  # what it said when it was ready, and since
        self.values: dict[str, Any] = {}  # of parameters that are in effect
        self.version = ""
        self.error: AimassError | None = None  # why it could not begin, in its own words
        self.restarts = 0
        self.ever = False  # it was ready once
        self.process: asyncio.subprocess.Process | None = None
        self.began, self.gone = "", True
        self.heard = self.renewing = 0.0  # by the monotonic clock: its last sign of life; since when it shall leave
        self.silence = ""  # why it was killed
        self.stopping, self.wake, self.settled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def keep(self) -> None:
        """Until `stop`."""
        while not self.stopping.is_set():
            why = await self._once()
            if self.renewing:
                self.restarts += 1
            elif not self.stopping.is_set():
                await self._pause(why)
        self._be(STOPPED)

    async def _once(self) -> str:
        """From a start to its end: why it ended."""
        self.renewing, self.silence = 0.0, ""
        self._be(STARTING)
        try:
            line, self.writer = await self._start()
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        hearing = asyncio.create_task(self._hear(line))
        try:
            code = await self._lives()
            await asyncio.wait([hearing], timeout=LOOK)  # its last words
        finally:
            hearing.cancel()
            self.writer.close()
            self.values = {}
        self.kill()  # what it had started
        self.gone = True
        return self.silence or (self.error.what if self.error else ending(code))

    async def _lives(self) -> int:
        """Until it ends, by itself or because it says nothing: its exit code."""
        assert self.process is not None
        self.heard = time.monotonic()
        ended = asyncio.ensure_future(self.process.wait())
        while not (await asyncio.wait([ended], timeout=LOOK))[0]:
            self._mind(time.monotonic())
        return ended.result()

    def _mind(self, clock: float) -> None:
        """At the time CLOCK: end what is not ready in time, hangs, or does not leave; and keep its log in bounds."""
        put_aside(self.log, self.large)
        ready, late = self.state == READY, clock - self.heard
        if late > (self.hang if ready else BEGIN):
            self.silence = f"gave no sign of life for {self.hang:g} s" if ready else f"was not ready after {BEGIN:g} s"
            self.kill()
        elif self.renewing and clock - self.renewing > LEAVE:
            self.kill()

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        mine, theirs = socket.socketpair()
        order = {**self.order, "name": self.name, "parent": os.getpid(), "path": sys.path, "line": theirs.fileno(),
                 "values": self.wanted}  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONUNBUFFERED": "1"}
        try:
            with self._opened() as log:
                self.process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "aimass.console.up.child", stdin=asyncio.subprocess.PIPE, stdout=log,
                    stderr=log, env=environment, pass_fds=(theirs.fileno(), *self.passed), start_new_session=True,
                )  # fmt: skip
        except OSError:
            mine.close()
            raise
        finally:
            theirs.close()
        self.began, self.error, self.gone = started(self.process.pid), None, False
        assert self.process.stdin is not None
        with suppress(BrokenPipeError, ConnectionResetError):
            self.process.stdin.write(json.dumps(order).encode())
            await self.process.stdin.drain()
        self.process.stdin.close()
        return await asyncio.open_unix_connection(sock=mine)

    def _opened(self) -> Any:
        put_aside(self.log, self.large)
        return self.log.open("ab")

    async def _hear(self, line: asyncio.StreamReader) -> None:
        """What it says, until it says no more."""
        while (said := await line.readline()).endswith(b"\n"):
            told = json.loads(said)
            if self.state == READY:  # the clock goes on from the start until it is ready
                self.heard = time.monotonic()
            if "ask" in told:
                self._tell(answered(partial(self.asked, self, told["ask"]), told["number"]))
            self._heed(told)

    def _heed(self, told: dict[str, Any]) -> None:
        if "ready" in told:
            self.facts, self.version, self.ever = told["ready"], told["version"], True
            self.heard = time.monotonic()
            self._be(READY)
        elif "error" in told:
            self.error = error_from_json(told["error"])
        elif "facts" in told:
            facts = {**self.facts, **told["facts"]}
            self.facts = {name: value for name, value in facts.items() if value is not None}
            self.changed()
        elif "values" in told:
            self.values |= told["values"]
            self.changed()

    def _tell(self, told: dict[str, Any]) -> None:
        self.writer.write(json.dumps(told).encode() + b"\n")

    async def _pause(self, why: str) -> None:
        """After an end: wait, longer each time, or for somebody to look."""
        wait = self.failures.add(why)
        self.restarts += 1
        self.wake.clear()
        self._be(QUARANTINED if wait is None else WAITING)
        print(f"{self.name} {why}; {'it is left alone' if wait is None else f'another one starts in {wait:g} s'}",
              file=sys.stderr, flush=True)  # fmt: skip
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), wait)
        if wait is None:
            self.failures = Failures(self.most, WINDOW)

    def _be(self, state: str) -> None:
        self.state, self.since = state, now()
        if state in (READY, QUARANTINED) or self.error is not None:
            self.settled.set()
        self.changed()

    # -- what is done to it ---------------------------------------------------------------------------------------

    def again(self) -> None:
        """Start it now, also when it failed too often."""
        self.wake.set()

    def renew(self) -> None:
        """End it and start it at once: no failure."""
        self.wake.set()
        if self.process is not None and not self.gone:
            self.renewing = time.monotonic()
            self._be(STOPPING)
            self._send(signal.SIGTERM)

    def set(self, values: dict[str, Any]) -> None:
        """Let it know which VALUES of parameters are wanted from now on."""
        if self.process is not None and not self.gone:
            self._tell({"set": values})

    def stop(self) -> None:
        """Let it finish and not come back."""
        self.stopping.set()
        self.wake.set()
        if self.state == READY:
            self._be(STOPPING)
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it, and what it started, at once; what has ended is left alone: its number may be another's."""
        if self.process is not None and not self.gone:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def as_json(self) -> dict[str, Any]:
        """Its state, for those who look."""
        runs = self.process is not None and self.process.returncode is None
        pid = {"pid": self.process.pid, "began": self.began} if runs and self.process else {}
        why = {"why": self.failures.last} if self.failures.last else {}
        told = {"name": self.name, "state": self.state, "since": self.since, "settled": self.settled.is_set(),
                "version": self.version, "values": self.values}  # fmt: skip
        return {**told, **pid, "restarts": self.restarts, "log": str(self.log), **self.facts, **why}
