"""Processes that behave as a test wants them to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError

Order = dict[str, Any]


def steady(order: Order, ready: Callable[..., None]) -> None:
    """Ready at once, and ends when it is told to."""
    print("hello from", os.getpid(), flush=True)
    ready(url="here", at=order.get("at"))
    wait_for_sigterm()


def stubborn(order: Order, ready: Callable[..., None]) -> None:
    """Does not end when it is told to, and neither does what it started."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    ready(child=child.pid)
    time.sleep(600)


def refused(order: Order, ready: Callable[..., None]) -> None:
    """Cannot begin, and says why."""
    raise InputError("port 1 of nowhere is taken", todo="take another")


def brief(order: Order, ready: Callable[..., None]) -> None:
    """Dies without a word, until it was started often enough."""
    note = Path(order["note"])
    times = len(note.read_text()) + 1 if note.exists() else 1
    note.write_text("x" * times)
    if times <= order["deaths"]:
        os._exit(7)
    ready(times=times)
    wait_for_sigterm()


def wait_for_sigterm() -> None:
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    while not told:
        time.sleep(0.02)
