"""The body that carries out jobs."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from aimass.console.jobs.worker import Worker
from aimass.runner.workspace import Workspace


def work(order: dict[str, Any], ready: Callable[..., None]) -> None:
    """Take jobs from the queue of the workspace in ORDER until SIGTERM; the one that runs then waits for the next."""
    worker = Worker(Workspace.reopen(order["url"]))
    signal.signal(signal.SIGTERM, lambda *_: worker.leave())
    worker.run(ready)
