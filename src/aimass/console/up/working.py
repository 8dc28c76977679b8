"""The body that carries out jobs."""

from __future__ import annotations

import signal
from typing import Any

from aimass.console.jobs.worker import Worker
from aimass.console.up.line import Line
from aimass.runner.workspace import Workspace


def work(order: dict[str, Any], line: Line) -> None:
    """Take jobs from the queue of the workspace in ORDER until SIGTERM; the one that runs then waits for the next."""
    worker = Worker(Workspace.reopen(order["url"]), beat=line.beat, told=line.tell)
    signal.signal(signal.SIGTERM, lambda *_: worker.leave())
    line.offer({"jobs/grace_seconds": worker.let, "jobs/look_seconds": worker.look})
    worker.run(line.ready)
