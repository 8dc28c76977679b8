"""A run's live figures on their way to the trackers: a slow or broken tool delays nothing and fails nothing."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aimass.core.errors import AimassError, InputError
from aimass.core.task import Task
from aimass.store.figures import of_machine
from aimass.store.trackers.base import Point, Session, Tracker

PATIENCE = 10.0  # seconds a run that has ended waits for a tool to take the last points

End = tuple[str, Mapping[str, Any]]
Log = Callable[[str], None]


class Mirrors:
    """One RUN of TASK in each tracker of TABLES (their settings); what goes wrong is told to LOG, once a tracker."""

    def __init__(self, tables: Sequence[Mapping[str, Any]], run: str, task: Task, log: Log) -> None:
        self.all: list[Mirror] = []
        for table in tables:
            try:
                self.all.append(Mirror(Tracker.from_settings(dict(table)), run, task, log))
            except InputError as error:  # not installed on this machine
                log(f"not mirrored: {error.what}")

    def points(self, points: Sequence[Point]) -> None:
        for mirror in self.all if points else []:
            mirror.points(points)

    def close(self, state: str, facts: Mapping[str, Any]) -> None:
        """The run ended; waits a little for what is still on its way."""
        for mirror in self.all:
            mirror.end((state, facts))
        for mirror in self.all:
            mirror.wait()


class Mirror:
    """One tracker with a thread of its own, which starts with the first points: runs without figures leave nothing.

    What the machine did goes along, but is no reason to begin: each run has that.
    """

    def __init__(self, tracker: Tracker, run: str, task: Task, log: Log) -> None:
        self.tracker, self.run, self.task, self.log = tracker, run, task, log
        self.name = str(tracker.settings()["use"])
        self._queue: queue.SimpleQueue[list[Point] | End] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True, name=f"tracker {self.name}")
        self._begun = self._broken = False

    def points(self, points: Sequence[Point]) -> None:
        """Never waits.  POINTS that come after the tool failed are in the catalog only."""
        if self._broken:
            return
        self._queue.put(list(points))
        if not self._begun and not all(of_machine(name) for name, _, _ in points):
            self._begun = True
            self._thread.start()

    def end(self, end: End) -> None:
        self._queue.put(end)

    def wait(self) -> None:
        if self._begun:
            self._thread.join(PATIENCE)
            if self._thread.is_alive():
                self._say(f"has not answered for {PATIENCE:g} s; its last points are in the catalog only")

    def _work(self) -> None:
        try:
            self._serve(self.tracker.open(self.run, self.task))
        except Exception as error:  # whatever a tool of others raises: it is told, and the run goes on
            self._broken = True
            first = next(iter(str(error).strip().splitlines()), "")
            self._say(f"failed, its points are in the catalog only: {type(error).__name__}: {first}")

    def _serve(self, session: Session) -> None:
        while True:
            item = self._queue.get()
            if isinstance(item, tuple):
                return session.close(*item)
            session.points(item)

    def _say(self, text: str) -> None:
        with suppress(AimassError):  # a catalog that cannot be written is told of by whoever writes points to it
            self.log(f"tracker {self.name} {text}")
