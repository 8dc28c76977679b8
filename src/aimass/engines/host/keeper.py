"""The thread that keeps the process of a model: starts it, watches it, starts it again, or no more."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aimass.core.errors import AimassError, TaskFailed
from aimass.engines.base import Died
from aimass.engines.host.failures import Failures
from aimass.engines.host.limits import Limits
from aimass.engines.host.process import Process

STOPPED, STARTING, READY, WAITING, QUARANTINED = "stopped", "starting", "ready", "waiting", "quarantined"


class Keeper:
    """Keeps a process of ENGINE on FOLDER within LIMITS.  `state` is one of the words above."""

    def __init__(self, engine: Mapping[str, Any], folder: Path, limits: Limits) -> None:
        self.engine, self.folder, self.limits = engine, folder, limits
        self.state = STOPPED
        self.process: Process | None = None  # only while it is ready
        self.starts = 0
        self.failures = Failures(limits.failures, limits.window)
        self.error: AimassError | None = None  # why it did not load; one that has served is started again instead
        self.served = False
        self.next = 0.0  # when a waiting one is started again
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None
        self.bell: socket.socket | None = None  # rung, it wakes the thread

    def start(self) -> None:
        """Start it and wait until it is ready; one that stands in quarantine gets another chance.

        Raises InputError or TaskFailed when it does not load; nothing is running then.
        """
        if self.state == QUARANTINED:
            self.stop()
        with self.changed:
            if self.state == STOPPED:
                self._begin()
            self.changed.wait_for(lambda: self.state != STARTING)
            error = self.error
        if error is not None:
            self.stop()
            raise error

    def stop(self) -> None:
        """End it; returns when nothing of it is left."""
        with self.changed:
            thread, bell = self.thread, self.bell
            self.thread = self.bell = None
        if thread is not None and bell is not None:
            self.stopping.set()
            bell.close()
            thread.join()
        self._become(STOPPED)

    def ready(self, until: float) -> Process:
        """The process, once it is ready.  Raises Died when it is not by UNTIL (time.monotonic), or will not be."""
        process = self.process
        if process is None:
            with self.changed:
                self.changed.wait_for(lambda: not self._coming(until), max(0.0, until - time.monotonic()))
                process = self.process
        if process is None:
            raise self._down()
        return process

    def _coming(self, until: float) -> bool:
        """Whether it may be ready before UNTIL."""
        return self.state == STARTING or (self.state == WAITING and self.next < until)

    def _down(self) -> Died:
        if self.state == QUARANTINED:
            return Died(
                f"the model is in quarantine: {self.limits.failures} failures in {self.limits.window:g} s, the last: "
                f"{self.failures.last}",
                expected=f"fewer than {self.limits.failures}",
                todo="look at what the model does, then start it again",
            )
        if self.state == STOPPED:
            return Died("the model is not running", expected="a host that was started", todo="start it")
        return Died(f"the model is starting again: {self.failures.last}", todo="ask again in a moment")

    # -- the thread ---------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.failures = Failures(self.limits.failures, self.limits.window)
        self.error, self.served, self.state = None, False, STARTING
        self.stopping.clear()
        ear, self.bell = socket.socketpair()
        self.thread = threading.Thread(target=self._keep, args=(ear,), name=f"host-{self.folder.name}", daemon=True)
        self.thread.start()

    def _keep(self, ear: socket.socket) -> None:
        """One process after the other, until EAR hears that there are to be no more, or too many failed."""
        with ear:
            while not self.stopping.is_set():
                why = self._one(ear)
                if self.stopping.is_set() or self.error is not None:
                    break
                wait = self.failures.add(why)
                if wait is None:
                    self._become(QUARANTINED)
                    return
                self.next = time.monotonic() + wait
                self._become(WAITING)
                self.stopping.wait(wait)
                self._become(STARTING)
            self._become(STOPPED)

    def _one(self, ear: socket.socket) -> str:
        """The life of one process; gives why it ended."""
        self.starts += 1
        try:
            process = Process(self.engine, self.folder, self.limits, ear)
        except OSError as error:
            return self._failed(TaskFailed(f"no process can be started: {error}", todo="look at memory and limits"))
        try:
            process.load(self.stopping.is_set)
            self.served = True
            self._become(READY, process)
            process.watch(self.stopping.is_set)
        except AimassError as error:
            return self._failed(error)
        finally:
            self._become(STARTING)  # or what comes of it: who calls now waits for that
            process.end()
        return f"its process {process.why}"

    def _failed(self, error: AimassError) -> str:
        """One that never was ready is not tried again: who started it is told."""
        self.error = None if self.served else error
        return error.what

    def _become(self, state: str, process: Process | None = None) -> None:
        with self.changed:
            self.state, self.process = state, process
            self.changed.notify_all()
