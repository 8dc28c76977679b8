"""Files that change while a server runs: looked at twice a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

PERIOD = 0.5  # seconds: what is revoked opens nothing a second later

log = logging.getLogger("aimass.serve")


async def watch(looks: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Every one of LOOKS twice a second, for ever."""
    while looks:
        for look in looks:
            try:
                await look()
            except Exception:  # logged whole; it is looked at again
                log.exception("keys or certificates cannot be looked at")
        await asyncio.sleep(PERIOD)
