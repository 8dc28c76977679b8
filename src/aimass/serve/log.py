"""The prediction log: what was asked and what was answered, a Delta table for each model, read back by `collect`.

A request never waits for the disk and never fails with it; what was lost is counted and said at the health path.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from aimass.core.errors import StoreError
from aimass.core.part import knob
from aimass.engines.base import Predictor, Tensors
from aimass.serve.base import Surroundings, Wrapper
from aimass.serve.batch.base import under_way
from aimass.serve.metrics import NOBODY

if TYPE_CHECKING:
    from aimass.store.appended import Appended

log = logging.getLogger("aimass.serve")

MB = 1 << 20
ASIDE = 100  # bytes in memory of a request's id and place


class PredictionLog(Wrapper):
    """Writes rows and their answers to the Delta table predictions/NAME below the log folder."""

    sample: float = knob(1.0, 0.0, 1.0, help="share of requests that are logged, chosen by their ids")
    rows: int = knob(50_000, 1, 10_000_000, help="rows that are appended together ...")
    seconds: float = knob(5.0, 0.01, 3600.0, help="... or as many as came within so long: what a crash may lose")
    queue_mb: int = knob(64, 1, 4096, help="rows that wait for the disk; what does not fit is counted as lost")
    keep_days: int = knob(0, 0, 36_500, help="rows that are older are deleted; 0 keeps all")

    def wrap(self, predictor: Predictor, context: Surroundings) -> Predictor:
        """A predictor that also logs.  Raises StoreError when the log cannot even be begun."""
        if context.log_to is None or not self.sample:
            return predictor
        folder = begun(context.log_to / "predictions" / context.name)
        writer = Writer(folder, lambda: ToDelta(folder, context, self), self)
        context.at_stop.append(writer.close)
        context.health.append(writer.health)
        context.live["log_sample"] = self.sample
        run, numbers = secrets.token_hex(4), count(1)

        def predict(tensors: Tensors) -> Tensors:
            outputs = predictor(tensors)
            requests = [(ask.name, ask.rows, ask.exchange.counts is not NOBODY) for ask in under_way.get()]
            writer.add(Entry(time.time(), f"{run}-{next(numbers)}", requests, tensors, outputs))
            return outputs

        return predict


@dataclass(frozen=True)
class Entry:
    """Requests that were answered together."""

    time: float  # seconds since 1970
    batch: str
    requests: list[tuple[str, int, bool]]  # id, rows, whether a caller waits for the answer; in the order of the rows
    tensors: Tensors
    outputs: Tensors

    @property
    def rows(self) -> int:
        return len(next(iter(self.outputs.values())))

    @property
    def size(self) -> int:
        """Bytes it holds in memory, about."""
        arrays = sum(_size(array) for part in (self.tensors, self.outputs) for array in part.values())
        return arrays + ASIDE * len(self.requests)


class Target(Protocol):
    """Where entries go."""

    def made(self, entries: Sequence[Entry]) -> Any:
        """ENTRIES as it keeps them.  Raises where one of them cannot be told."""

    def append(self, made: Any) -> None:
        """Keep it, whole or not at all.  Raises StoreError."""


class ToDelta:
    """A table of the model's log."""

    def __init__(self, folder: Path, context: Surroundings, settings: PredictionLog) -> None:
        from aimass.serve.logged import Columns
        from aimass.store.appended import Appended

        self.columns = Columns(context.signature, context.name, context.version, settings.sample)
        self.table: Appended = Appended(folder, self.columns.schema)
        self.keep_days, self.live = settings.keep_days, context.live

    def made(self, entries: Sequence[Entry]) -> Any:
        self.columns.share = self.live["log_sample"]
        return self.columns.of(entries)

    def append(self, made: Any) -> None:
        if made.num_rows:
            self.table.append(made)
            self.table.tidy(keep_days=self.keep_days, column=f"{self.columns.prefix}time")


class Writer:
    """Appends entries in a thread of its own, which calls BEGIN for the target; SETTINGS say how many and how often."""

    def __init__(self, folder: Path, begin: Callable[[], Target], settings: PredictionLog) -> None:
        self.folder, self.begin, self.settings = folder, begin, settings
        self.limit = settings.queue_mb * MB
        self.target: Target | None = None
        self.entries: deque[Entry] = deque()
        self.waiting = self.rows = self.lost = 0  # bytes and rows in the queue; rows that are lost
        self.error = ""  # why rows were lost
        self.trouble = ""  # why rows wait
        self.closing = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._run, name=f"log-{folder.name}", daemon=True)
        self.thread.start()

    def add(self, entry: Entry) -> None:
        """Queue ENTRY; count its rows as lost when too much waits already."""
        size, rows = entry.size, entry.rows
        with self.changed:
            if self.closing or self.waiting + size > self.limit:
                self.lost += rows
                self.error = self.trouble or self.error or "the disk is slower than the requests"
                return
            self.waiting += size
            self.rows += rows
            self.entries.append(entry)
            if len(self.entries) == 1 or self.rows >= self.settings.rows:
                self.changed.notify()

    def health(self) -> dict[str, Any]:
        """Empty when every row was written, or will be."""
        alive = self.closing or self.thread.is_alive()
        if not self.lost and not self.trouble and alive:
            return {}
        reason = self.trouble or self.error or "the log has ended"
        facts = {"table": str(self.folder), "lost_rows": self.lost, "waiting_rows": self.rows, "reason": reason}
        return {"prediction_log": facts}

    def close(self) -> None:
        """Write what waits, then end; what cannot be written then is lost, and said."""
        with self.changed:
            self.closing = True
            self.changed.notify()
        self.thread.join()
        if self.entries:
            self._lose(list(self.entries), self.trouble or self.error or "the log has ended")
        if self.lost:
            log.warning("%d rows are not in the prediction log %s: %s", self.lost, self.folder, self.error)

    # -- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._wait():
            with self.changed:
                entries = list(self.entries)
            done = self._write(entries)
            if not done and self.closing:
                return
            if not done:
                with self.changed:  # until then somebody may have made room
                    self.changed.wait_for(lambda: self.closing, self.settings.seconds)

    def _wait(self) -> bool:
        """Until it is time to append; False when nothing is left to do."""
        with self.changed:
            self.changed.wait_for(lambda: self.entries or self.closing)
            self.changed.wait_for(lambda: self.closing or self.rows >= self.settings.rows, self.settings.seconds)
            return bool(self.entries)

    def _write(self, entries: list[Entry]) -> bool:
        """Append ENTRIES, without those that cannot be told; whether the table took them."""
        try:
            self.target = self.target or self.begin()
            made, odd = self._made(self.target, entries)
            if made is not None:
                self.target.append(made)
        except StoreError as error:
            self.trouble = error.what
            return False
        except Exception as error:  # nothing is hidden: said at the health path, and logged whole
            log.exception("rows cannot be written to the prediction log")
            self.trouble = f"{type(error).__name__}: {error}"
            return False
        self.trouble = ""
        self._forget(entries)
        if odd:
            self._count(odd, "rows that cannot be told as the signature says")
        return True

    def _made(self, target: Target, entries: list[Entry]) -> tuple[Any, list[Entry]]:
        """What is to be appended, and the entries that cannot be told."""
        try:
            return target.made(entries), []
        except Exception:  # of one of them, most likely
            log.exception("rows cannot be told to the prediction log")
        good, odd = list[Entry](), list[Entry]()
        for entry in entries:
            try:
                target.made([entry])
            except Exception:  # it was logged above; counted by the caller
                odd.append(entry)
            else:
                good.append(entry)
        return (target.made(good) if good else None), odd

    def _forget(self, entries: list[Entry]) -> None:
        size, rows = sum(entry.size for entry in entries), sum(entry.rows for entry in entries)
        with self.changed:
            for _ in entries:
                self.entries.popleft()
            self.waiting -= size
            self.rows -= rows

    def _count(self, entries: Iterable[Entry], reason: str) -> None:
        with self.changed:
            self.lost += sum(entry.rows for entry in entries)
            self.error = reason

    def _lose(self, entries: list[Entry], reason: str) -> None:
        self._forget(entries)
        self._count(entries, reason)


def _size(array: np.ndarray) -> int:
    texts = sum(map(len, array.ravel().tolist())) if array.dtype.kind == "O" else 0
    return int(array.nbytes) + texts


def begun(folder: Path) -> Path:
    """FOLDER, made.  Raises StoreError when nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise StoreError(
            f"the log {folder} cannot be begun: {error.strerror}",
            expected="a folder that can be written, with free space",
            todo="free the disk or name another folder: --log-to FOLDER",
        ) from error
    return folder
