"""Live figures at a cadence of time, from a thread of their own: the training step only notes its loss.

A loss stays on its device until the cadence asks; then it is copied without blocking, and the thread waits for the
copy, not the step.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import torch
from torch import Tensor

from aimass.core.errors import Stopped
from aimass.core.step import Context

Figures = dict[str, float]
CHUNK = 256  # losses noted before they are put together


class Losses:
    """The losses of the running epoch, one a step, on their device."""

    def __init__(self, steps: int, device: torch.device) -> None:
        self.values = torch.full((steps,), torch.nan, device=device)
        self.pending: list[Tensor] = []
        self.first = 0  # step of the first pending one

    def note(self, loss: Tensor) -> None:
        """Keep LOSS (a scalar that nobody writes into again)."""
        self.pending.append(loss)
        if len(self.pending) == CHUNK:
            self.settle()

    def settle(self) -> Tensor:
        """All values so far, in one tensor [steps]; NaN where no step was yet."""
        if self.pending:
            end = self.first + len(self.pending)
            self.values[self.first : end] = torch.stack(self.pending)
            self.pending, self.first = [], end
        return self.values

    def begin(self, step: int = 0) -> None:
        """At STEP of an epoch; from the first one all is forgotten."""
        self.pending, self.first = [], step
        if not step:
            self.values.fill_(torch.nan)


class Reporter:
    """Tells a context, in order and in the background; what it answers (a wish to stop) is asked for by `check`."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.failed: Exception | None = None
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def tell(self, at: float, figures: Callable[[], Figures], ready: torch.cuda.Event | None = None) -> None:
        """Report what FIGURES gives at AT, once READY has happened on the device."""

        def report() -> None:
            if ready is not None:
                ready.synchronize()
            self.ctx.report(at, **figures())

        self._queue.put(report)

    def check(self) -> None:
        """Raises what telling has raised: Stopped, an error of the catalog, one of who listens."""
        if self.failed:
            raise self.failed

    def stop_asked(self) -> bool:
        """Whether somebody wants the run to stop; other failures are raised."""
        if self.failed and not isinstance(self.failed, Stopped):
            raise self.failed
        return self.failed is not None

    def close(self) -> None:
        """Until all is told."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (report := self._queue.get()) is not None:
            if self.failed:
                continue
            try:
                report()
            except Exception as error:  # raised again by `check`
                self.failed = error


def snapshot(values: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
    """VALUES on the host, and what to wait for before they are read: nothing on a processor."""
    if values.device.type != "cuda":
        return values.clone(), None
    host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    host.copy_(values, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(values.device))
    return host, event
