"""The sampler: looks at the machine from a thread of its own as long as a run works, and tells what it saw.

It never touches the step: no part of a task, nothing of an artifact, no error of a run.  A look that is dear is taken
less often, and a long run is told of less often, so that neither training nor the catalog feels it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType

from aimass.core.errors import AimassError
from aimass.runner.machine.gpus import Gpus
from aimass.runner.machine.look import Look, look
from aimass.runner.machine.stretch import Reading, Stretch

SOON = 0.25  # seconds until the first look: most runs of a moment are over by then
EVERY = 2.0  # seconds between looks at least
SHORTEST = 1.0  # seconds that are worth a report when a run ends
FINEST = 250  # a report stands for at least this part of a run's age: 250 of the first 8 minutes, 2,800 of a year
SHARE = 0.005  # of one core that looks may take


class Sampler:
    """Tells KEEP of each stretch while it is entered; what keeps it from looking is told to SAY, once."""

    def __init__(self, keep: Callable[[Reading], None], say: Callable[[str], None] = lambda text: None,
                 look: Callable[[], Look] = look) -> None:  # fmt: skip
        self._keep, self._say, self._look = keep, say, look
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="machine")

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            for reading in self._readings():
                self._keep(reading)
        except Exception as error:  # whatever it is, the run is not to feel it
            with suppress(AimassError):  # a catalog that cannot be written is told of by whoever writes figures to it
                self._say(f"what the machine does is not reported any more: {type(error).__name__}: {error}")

    def _readings(self) -> Iterator[Reading]:
        """Of each stretch of the run that is worth a report."""
        if self._done.wait(SOON):
            return
        gpus, began = Gpus(), time.monotonic()
        stretch, cost = Stretch(self._look(), gpus), 0.0
        while not self._done.wait(max(EVERY, cost / SHARE)):
            before = time.thread_time()
            stretch.add(self._look())
            if due(stretch.end.clock - began, stretch.seconds):
                yield stretch.reading()
                stretch = Stretch(stretch.end, gpus)
            cost = time.thread_time() - before
        if time.monotonic() - stretch.end.clock + stretch.seconds >= SHORTEST:
            stretch.add(self._look())
            yield stretch.reading()


def due(age: float, gone: float) -> bool:
    """Whether a run of AGE seconds is to be told of again, GONE seconds after the last time."""
    return gone >= age / FINEST
