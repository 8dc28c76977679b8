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

from aimass.console.up.line import Line
from aimass.core.errors import InputError

Order = dict[str, Any]


def steady(order: Order, line: Line) -> None:
    """Ready at once, and ends when it is told to."""
    print("hello from", os.getpid(), flush=True)
    over = sigterm()
    line.ready(url="here", at=order.get("at"))
    wait(over)


def stubborn(order: Order, line: Line) -> None:
    """Does not end when it is told to, and neither does what it started."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    line.ready(child=child.pid)
    time.sleep(600)


def refused(order: Order, line: Line) -> None:
    """Cannot begin, and says why."""
    raise InputError("port 1 of nowhere is taken", todo="take another")


def brief(order: Order, line: Line) -> None:
    """Dies without a word, until it was started often enough."""
    note = Path(order["note"])
    times = len(note.read_text()) + 1 if note.exists() else 1
    note.write_text("x" * times)
    if times <= order["deaths"]:
        os._exit(7)
    over = sigterm()
    line.ready(times=times)
    wait(over)


def beating(order: Order, line: Line) -> None:
    """Gives signs of life."""
    over = sigterm()
    line.ready()
    wait(over, line.beat)


def turned(order: Order, line: Line) -> None:
    """Lets its size be changed, and tells it."""
    line.offer({"size": lambda size: line.tell(size=size)})
    over = sigterm()
    line.ready()
    wait(over)


def asking(order: Order, line: Line) -> None:
    """Asks for something, twice."""
    answers = [line.ask(**{"for": "less"})]
    try:
        line.ask(**{"for": "more"})
    except InputError as error:
        answers.append(error.what)
    over = sigterm()
    line.ready(answers=answers)
    wait(over)


def sigterm() -> list[int]:
    """Holds something once it was told to end; asked for before it is ready, so that no signal comes too early."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    return told


def wait(over: list[int], meanwhile: Callable[[], None] = lambda: None) -> None:
    while not over:
        meanwhile()
        time.sleep(0.02)
