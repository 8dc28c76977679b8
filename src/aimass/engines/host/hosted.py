"""A predictor whose engine runs in a process of its own."""

from __future__ import annotations

import threading
import time
import weakref
from pathlib import Path
from typing import Any, Self

from aimass.engines.base import Died, Engine, Tensors
from aimass.engines.host.keeper import READY, Keeper
from aimass.engines.host.limits import Limits, held


class Hosted:
    """ENGINE on the model FOLDER, in a process of its own, within LIMITS.  Called by any thread; one call at a time.

    Start it before the first call and close it after the last, or use `with`.
    """

    blocks = True  # a call may take as long as `limits.seconds`: never on a thread that others wait for

    def __init__(self, engine: Engine, folder: Path, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._keeper = Keeper(engine.settings(), folder, self.limits)
        self._turn = threading.Lock()
        weakref.finalize(self, self._keeper.stop)  # at the latest when nobody can call it any more

    def start(self) -> Self:
        """Start the process and wait until the model is loaded; also out of quarantine.

        Raises InputError or TaskFailed when it does not load; nothing is running then.
        """
        self._keeper.start()
        return self

    def __call__(self, tensors: Tensors) -> Tensors:
        """The answer to TENSORS.  Raises InputError for what the model refuses, Died when its process ends under it.

        While the process is started again a call waits for it, at most as long as a call may take.
        """
        until = time.monotonic() + self.limits.seconds
        if not self._turn.acquire(timeout=self.limits.seconds):
            raise Died("the model is busy", expected="its turn in time", todo="ask again, or ask less at once")
        try:
            return self._keeper.ready(until).ask(tensors, self.limits.seconds)
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process; all it held is free then.  A call under way raises Died."""
        self._keeper.stop()

    def health(self) -> dict[str, Any]:
        """{"host": ...} with what is worth saying of it; empty when all is well."""
        failures = self._keeper.failures
        if self.state == READY and not failures.count():
            return {}
        return {"host": {"state": self.state, "failures": failures.count(), "last_failure": failures.last}}

    @property
    def state(self) -> str:
        """stopped, starting, ready, waiting (to be started again) or quarantined."""
        return self._keeper.state

    @property
    def starts(self) -> int:
        """How often its process was started."""
        return self._keeper.starts

    @property
    def pid(self) -> int | None:
        """Of the process, while it is ready."""
        process = self._keeper.process
        return None if process is None else process.child.pid

    @property
    def held(self) -> int | None:
        """Bytes that the process holds, where the system says so."""
        pid = self.pid
        return None if pid is None else held(pid)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
