"""What a step's body may touch while it runs."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from aimass.core.errors import Stopped
from aimass.runner.gang import Launch, gang
from aimass.runner.launch import local
from aimass.runner.machine.sampler import Sampler
from aimass.runner.machine.stretch import Reading, figures
from aimass.store.catalog import Catalog
from aimass.store.trackers.base import Point

CADENCE = 0.1  # seconds between writes of live metrics: the first is written at once, those after it together
LOOK = 0.5  # seconds between looks at whether the run is to stop

Mirror = Callable[[list[Point]], None]  # is told what the catalog was told; never waits, never raises


class RunContext:
    """`core.step.Context` of one run: metrics are written by a thread, those of a moment together.

    While it is entered its machine is looked at; ranks in processes that are not its own say what they see of theirs.
    """

    def __init__(self, *, folder: Path, resume: Path, seed: int, lake: str, run: str, catalog: Catalog,
                 mirror: Mirror = lambda points: None, needs: Mapping[str, Any] | None = None,
                 launch: Launch = local.launch) -> None:  # fmt: skip
        self.folder, self.resume, self.seed, self.lake = folder, resume, seed, lake
        self.needs, self._launch = needs or {}, launch
        self.workers: int = self.needs.get("workers", 1)
        self.facts: dict[str, Any] = {}
        self._run, self._catalog, self._mirror = run, catalog, mirror
        self._points: list[Point] = []
        self._lock, self._done, self._stop = threading.Lock(), threading.Event(), False
        self._some = threading.Event()  # is there anything to write
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._failed: Exception | None = None
        self._machine, self._ranks = Sampler(self._looked, self.log), dict[int, Reading]()

    def report(self, at: float | None = None, **numbers: float) -> None:
        """Keep NUMBERS at position AT; NaN and infinities, which no database and no JSON holds, are left out."""
        if self._stop:
            raise Stopped(f"run {self._run} was asked to stop", todo="run again to go on from the last checkpoint")
        if self._failed:
            raise self._failed
        with self._lock:
            self._points += [(name, at, float(value)) for name, value in numbers.items() if math.isfinite(value)]
            self._some.set()
        if not self._thread.is_alive() and not self._done.is_set():
            self._thread.start()

    def log(self, message: str) -> None:
        self._catalog.add_log(self._run, message)

    def tell(self, **facts: Any) -> None:
        self.facts.update(facts)

    def gang(self, work: Callable[..., Any], **arguments: Any) -> list[Any]:
        return gang(self, work, arguments, self._launch, self.needs)

    def hear(self, rank: int, reading: Reading | None) -> None:
        """What the machine of RANK does; None when it is gone."""
        if reading is None:
            self._ranks.pop(rank, None)
            return
        if rank not in self._ranks:
            self.log(f"rank {rank} works on {reading['host']}, {reading['cores']} cores")
        self._ranks[rank] = reading

    def _looked(self, reading: Reading) -> None:
        found = figures([reading, *self._ranks.copy().values()])
        self._keep([(name, None, value) for name, value in found.items()])

    def __enter__(self) -> RunContext:
        self._machine.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._machine.__exit__(kind, value, tb)
        self._done.set()
        self._some.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self._flush()
        except Exception as error:
            if value is None:
                raise
            value.add_note(f"its last metrics were not kept: {error}")  # the body's own error is the news

    def _write(self) -> None:
        looked = -LOOK
        while not self._done.is_set():
            self._some.wait(LOOK)
            try:
                self._flush()
                if time.monotonic() - looked >= LOOK:
                    looked = time.monotonic()
                    self._stop = self._catalog.run_row(self._run)["state"] == "stopping"
            except Exception as error:  # handed to the body at its next report
                self._failed = error
                return
            self._done.wait(CADENCE)

    def _flush(self) -> None:
        with self._lock:
            points, self._points = self._points, []
            self._some.clear()
        self._keep(points)

    def _keep(self, points: list[Point]) -> None:
        self._catalog.add_metrics(self._run, points)
        self._mirror(points)
