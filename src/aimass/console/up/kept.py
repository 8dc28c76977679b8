"""One process that is kept: started, heard, started again when it ends, later each time, and stopped."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from aimass.console.alive import started
from aimass.core.errors import AimassError, error_from_json
from aimass.engines.host.failures import Failures
from aimass.serve.workers.child import ending
from aimass.store.catalog import now

STARTING, READY, WAITING, QUARANTINED, STOPPED = "starting", "ready", "waiting", "quarantined", "stopped"
MOST, WINDOW = 8, 120.0  # so many ends within so many seconds, and it is not started again
BEGIN = 120.0  # seconds to say that it is ready
LARGE = 8 << 20  # bytes of a log, beyond which the next start begins a new one; the one before is kept


class Kept:
    """The process called NAME, which does as ORDER says and writes to LOG.  CHANGED is called when its state has."""

    def __init__(
        self, name: str, order: dict[str, Any], log: Path, *, passed: Sequence[int] = (),
        changed: Callable[[], None] = lambda: None, most: int = MOST,
    ) -> None:  # fmt: skip
        self.name, self.order, self.log, self.passed, self.changed = name, order, log, passed, changed
        self.failures, self.most = Failures(most, WINDOW), most
        self.state, self.since = STOPPED, now()
        self.facts: dict[str, Any] = {}  # what it said when it was ready
        self.error: AimassError | None = None  # why it could not begin, in its own words
        self.restarts = 0
        self.ever = False  # it was ready once
        self.process: asyncio.subprocess.Process | None = None
        self.began, self.gone = "", True
        self.stopping, self.wake, self.settled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def keep(self) -> None:
        """Until `stop`."""
        while not self.stopping.is_set():
            why = await self._once()
            if not self.stopping.is_set():
                await self._pause(why)
        self._be(STOPPED)

    async def _once(self) -> str:
        """From a start to its end: why it ended."""
        self._be(STARTING)
        try:
            line, writer = await self._start()
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        assert self.process is not None
        hearing = asyncio.create_task(self._hear(line))
        try:
            async with asyncio.timeout(BEGIN) as patience:
                await hearing
                patience.reschedule(None)
                code = await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()
            self.gone = True
            return f"was not ready after {BEGIN:g} s"
        finally:
            hearing.cancel()
            writer.close()
        self.kill()  # what it had started
        self.gone = True
        return self.error.what if self.error else ending(code)

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        mine, theirs = socket.socketpair()
        order = {**self.order, "name": self.name, "parent": os.getpid(), "path": sys.path, "line": theirs.fileno()}
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
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LARGE:
                self.log.replace(self.log.with_suffix(".before.log"))
        return self.log.open("ab")

    async def _hear(self, line: asyncio.StreamReader) -> None:
        """That it is ready, or why it is not; nothing when it died without a word."""
        said = await line.readline()
        told = json.loads(said) if said.endswith(b"\n") else {}
        if "ready" in told:
            self.facts, self.ever = told["ready"], True
            self._be(READY)
        elif "error" in told:
            self.error = error_from_json(told["error"])

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

    def stop(self) -> None:
        """Let it finish and not come back."""
        self.stopping.set()
        self.wake.set()
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
        told = {"name": self.name, "state": self.state, "since": self.since, "settled": self.settled.is_set()}
        return {**told, **pid, "restarts": self.restarts, "log": str(self.log), **self.facts, **why}
