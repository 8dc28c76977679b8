"""Work that goes on by itself on the event loop: kept until it has ended, and told of when it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

log = logging.getLogger("aimass.serve")


class Tasks(set[asyncio.Future[Any]]):
    """Those that are under way.  The loop itself would forget them."""

    def begin(self, work: Awaitable[Any]) -> None:
        """Let WORK go on; what it raises is logged whole."""
        task = asyncio.ensure_future(work)
        self.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("what goes on by itself failed", exc_info=error)
