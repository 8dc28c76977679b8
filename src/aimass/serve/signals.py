"""What a server does when the system, or a person, tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def heard(
    loop: asyncio.AbstractEventLoop, stop: Callable[[], None], reopen: Callable[[], None] | None
) -> Iterator[None]:
    """STOP on SIGINT and SIGTERM, REOPEN logs on SIGHUP, where this thread is the one that hears them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    actions = {signal.SIGINT: stop, signal.SIGTERM: stop, **({signal.SIGHUP: reopen} if reopen else {})}
    for number, action in actions.items():
        loop.add_signal_handler(number, action)
    try:
        yield
    finally:
        for number in actions:
            loop.remove_signal_handler(number)
