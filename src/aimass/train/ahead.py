"""Gathers in a thread of their own, a few ahead of the step that wants them; nothing is left when the step stops."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from aimass.train.batch import Batch
from aimass.train.source import Source

J = TypeVar("J")
T = TypeVar("T")

AHEAD = 2  # gathers under way or waiting


def ahead(do: Callable[[J], T], jobs: Iterable[J]) -> Generator[T, None, None]:
    """DO each of JOBS, in their order, in one thread; never more than AHEAD results wait or are under way.

    An error is raised where the result was due.  Closed, the generator has ended its thread.
    """
    free, ready, stop = threading.Semaphore(AHEAD), SimpleQueue[Any](), threading.Event()

    def work() -> None:
        try:
            for job in jobs:
                free.acquire()
                if stop.is_set():
                    return
                ready.put(Result(do(job)))
            ready.put(None)
        except BaseException as error:  # raised again below, in the thread that waits for it
            ready.put(error)

    thread = threading.Thread(target=work, name="aimass-feed", daemon=True)
    thread.start()
    try:
        while (found := ready.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            free.release()
            yield found.value
    finally:
        stop.set()
        free.release()
        thread.join()


class Result(Generic[T]):
    """So that a result is never taken for an end or an error."""

    def __init__(self, value: T) -> None:
        self.value = value


class Gatherer:
    """Gathers for the memory of this machine.  `gather` belongs into the thread ahead, `batch` to the step.

    NumPy gathers: a second thread that called into torch would bring a team of threads of its own.
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    def gather(self, rows: Tensor) -> Any:
        places = rows.numpy() % len(self.source)
        widths = (table.rows.shape[1] for table in self.source.tables)
        buffers = [torch.empty((len(rows), width), dtype=torch.uint8) for width in widths]
        return self._taken(places, buffers), rows

    def _taken(self, places: np.ndarray, buffers: list[Tensor]) -> list[Tensor]:
        """The rows at PLACES of each table, in BUFFERS uint8 [N or more, bytes of a row]."""
        found = []
        for table, buffer in zip(self.source.tables, buffers, strict=True):
            rows = buffer[: len(places)]
            np.take(table.rows, places, axis=0, out=rows.numpy(), mode="clip")  # "raise" would copy it twice
            found.append(_like(table.raw, rows))
        return found

    def batch(self, gathered: Any) -> Batch:
        return self.source.decoded(*gathered)


class PinnedGatherer(Gatherer):
    """Gathers into AHEAD sets of pinned buffers in turn, and copies to a CUDA device on a stream of its own."""

    def __init__(self, source: Source, most: int) -> None:
        """MOST: rows of the largest gather."""
        super().__init__(source)
        self.stream: Any = torch.cuda.Stream(source.device)  # type: ignore[no-untyped-call]
        widths = [table.rows.shape[1] for table in source.tables]
        self.buffers = [[torch.empty((most, width), dtype=torch.uint8, pin_memory=True) for width in widths]
                        for _ in range(AHEAD)]  # fmt: skip
        self.copied = [torch.cuda.Event() for _ in range(AHEAD)]  # type: ignore[no-untyped-call]
        self.turn = 0

    def gather(self, rows: Tensor) -> Any:
        source, places = self.source, rows.numpy() % len(self.source)
        buffers, copied = self.buffers[self.turn], self.copied[self.turn]
        self.turn = (self.turn + 1) % AHEAD
        copied.synchronize()  # what was copied from these buffers has left them
        raw = self._taken(places, buffers)
        with torch.cuda.stream(self.stream):
            batch = source.decoded(raw, rows.pin_memory().to(source.device, non_blocking=True))
            copied.record(self.stream)
            done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            done.record(self.stream)
        return batch, done

    def batch(self, gathered: Any) -> Batch:
        batch: Batch = gathered[0]
        stream = torch.cuda.current_stream(self.source.device)
        stream.wait_event(gathered[1])
        for tensor in (*batch.tensors, batch.target, batch.rows):
            tensor.record_stream(stream)  # made on another stream: not to be given away while this one uses it
        return batch


def _like(table: Tensor, rows: Tensor) -> Tensor:
    """ROWS uint8 [N, bytes of a row] as what TABLE holds, [N, ...]."""
    if not len(rows):  # a view of nothing has no last axis
        return table[:0]
    return rows.view(table.dtype).reshape(len(rows), *table.shape[1:])
