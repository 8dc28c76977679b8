"""The prediction log: what was asked and what was answered, one JSON line a row, read back by `collect`.

A request never waits for the disk and never fails with it; what was lost is counted and said at the health path.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from aimass.core.errors import StoreError
from aimass.core.part import knob
from aimass.core.signature import Field, Signature
from aimass.engines.base import Predictor, Tensors
from aimass.serve.base import Surroundings, Wrapper
from aimass.serve.batch.base import under_way
from aimass.serve.messages import to_json
from aimass.serve.records import predictions

log = logging.getLogger("aimass.serve")

MB = 1 << 20
FACTS = ("time", "request", "row", "model", "version")  # beside the columns and the outputs of the signature


class PredictionLog(Wrapper):
    """Writes every row and its answer to predictions/NAME/<start>-<process>.jsonl below the log folder."""

    queue_mb: int = knob(64, 1, 4096, help="rows that wait for the disk; what does not fit is counted as lost")

    def wrap(self, predictor: Predictor, context: Surroundings) -> Predictor:
        """A predictor that also logs.  Raises StoreError when the log cannot even be begun."""
        if context.log_to is None:
            return predictor
        lines = Lines(context)
        log = Writer(_new_file(context.log_to / "predictions" / context.name), lines.of, self.queue_mb * MB)
        context.at_stop.append(log.close)
        context.health.append(log.health)

        def predict(tensors: Tensors) -> Tensors:
            outputs = predictor(tensors)
            log.add(Entry(time.time(), [(ask.name, ask.rows) for ask in under_way.get()], tensors, outputs))
            return outputs

        return predict


@dataclass(frozen=True)
class Entry:
    """Requests that were answered together."""

    time: float  # seconds since 1970, UTC
    requests: list[tuple[str, int]]  # id and rows, in the order of the rows
    tensors: Tensors
    outputs: Tensors

    @property
    def rows(self) -> int:
        return len(next(iter(self.outputs.values())))

    @property
    def size(self) -> int:
        """Bytes it holds in memory, about."""
        return sum(_size(array) for part in (self.tensors, self.outputs) for array in part.values())


class Lines:
    """Turns entries into lines: raw columns by name, facts and outputs behind a prefix that no column shares."""

    def __init__(self, context: Surroundings) -> None:
        self.signature, self.model, self.version = context.signature, context.name, context.version
        taken = {field.name for field in self.signature.rows}
        self.prefix = "_"
        while taken & {self.prefix + name for name in (*FACTS, *(f.name for f in self.signature.outputs))}:
            self.prefix += "_"

    def of(self, entry: Entry) -> bytes:
        """The lines of ENTRY."""
        stamp = datetime.fromtimestamp(entry.time, UTC).isoformat(timespec="microseconds")
        columns = logged(entry.tensors, self.signature)
        answers = predictions(entry.outputs, self.signature)
        lines = []
        places = [(request, row) for request, rows in entry.requests for row in range(rows)]
        values_of = zip(*columns.values(), strict=True)
        for (request, row), values, answer in zip(places, values_of, answers, strict=True):
            facts = {"time": stamp, "request": request, "row": row, "model": self.model, "version": self.version}
            told = {self.prefix + name: value for name, value in {**facts, **answer}.items()}
            lines.append(to_json({**told, **dict(zip(columns, values, strict=True))}) + b"\n")
        return b"".join(lines)


def logged(tensors: Tensors, signature: Signature) -> dict[str, list[Any]]:
    """Column by column what a caller would send: null where missing, dates as ISO 8601."""
    return {field.name: _logged(field, tensors[field.name]) for field in signature.rows}


def _logged(field: Field, column: np.ndarray) -> list[Any]:
    if field.kind == "date":
        texts = column.astype("datetime64[us]").astype(str).tolist()
        return [None if text == "NaT" else text for text in texts]
    values = column.tolist()
    return [value or None for value in values] if field.dtype == "string" and not field.shape else values


class Writer:
    """Appends lines to a file in a thread of its own, at most LIMIT bytes of entries behind."""

    def __init__(self, path: Path, lines_of: Callable[[Entry], bytes], limit: int) -> None:
        self.path, self.lines_of, self.limit = path, lines_of, limit
        self.file = _opened(path)
        self.entries: deque[Entry] = deque()
        self.waiting = self.lost = self.written = 0
        self.error = ""
        self.closing = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._run, name=f"log-{path.parent.name}", daemon=True)
        self.thread.start()

    def add(self, entry: Entry) -> None:
        """Queue ENTRY; count its rows as lost when too much waits already."""
        size = entry.size
        with self.changed:
            if self.closing or self.waiting + size > self.limit:
                self.lost += entry.rows
                self.error = self.error or "the disk is slower than the requests"
                return
            self.waiting += size
            self.entries.append(entry)
            self.changed.notify()

    def _lose(self, entries: Iterable[Entry], reason: str) -> None:
        with self.changed:
            self.lost += sum(entry.rows for entry in entries)
            self.error = reason

    def health(self) -> dict[str, Any]:
        """Empty when every row was written."""
        if not self.lost and (self.closing or self.thread.is_alive()):
            return {}
        reason = self.error or "the log has ended"
        return {"prediction_log": {"file": str(self.path), "lost_rows": self.lost, "reason": reason}}

    def close(self) -> None:
        """Write what waits, then end; what waits still has nobody to write it, and is counted as lost."""
        with self.changed:
            self.closing = True
            self.changed.notify()
        self.thread.join()
        self.file.close()
        if self.entries:
            self._lose(self.entries, self.error or "the log has ended")
            self.entries.clear()

    def _run(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.entries or self.closing)
                if not self.entries:
                    return
                batch = list(self.entries)
            self._write(batch)
            with self.changed:
                for entry in batch:
                    self.entries.popleft()
                    self.waiting -= entry.size

    def _write(self, batch: list[Entry]) -> None:
        """Write BATCH, or count it as lost and be ready for the next."""
        try:
            self._append(b"".join(self.lines_of(entry) for entry in batch))
        except OSError as error:
            self._lose(batch, error.strerror or str(error))
            self._cut()
        except Exception as error:  # nothing is hidden: counted, said at the health path, and logged whole
            log.exception("rows cannot be written to the prediction log")
            self._lose(batch, f"{type(error).__name__}: {error}")
            self._cut()

    def _append(self, lines: bytes) -> None:
        left = memoryview(lines)
        while left:  # a disk that is nearly full takes a part
            left = left[self.file.write(left) :]
        self.written += len(lines)

    def _cut(self) -> None:
        """Take back half a line, so that the next one stands alone."""
        try:
            os.ftruncate(self.file.fileno(), self.written)
            os.lseek(self.file.fileno(), self.written, os.SEEK_SET)
        except OSError as error:
            self.error = f"{self.error}; and the file cannot be mended: {error.strerror}"


def _size(array: np.ndarray) -> int:
    texts = sum(len(text) for text in array.ravel().tolist()) if array.dtype.kind == "O" else 0
    return int(array.nbytes) + texts


def _new_file(folder: Path) -> Path:
    """A file for this process alone: two servers never share one."""
    return folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}.jsonl"


def _opened(path: Path) -> Any:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb", buffering=0)
    except OSError as error:
        raise StoreError(
            f"the prediction log {path} cannot be begun: {error.strerror}",
            expected="a folder that can be written, with free space",
            todo="free the disk or name another folder: --log-to FOLDER",
        ) from error
