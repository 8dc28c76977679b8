"""Ranks as processes of this machine: they die with the process that started them, and its error is theirs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from aimass.core.step import Context
from aimass.runner.desk import Desk, Word
from aimass.runner.gang import Order, gather

LINES = 20  # of what a rank said last


def launch(ctx: Context, order: Order) -> list[Any]:
    """Answers of ORDER's ranks.  Raises their error; every process has ended then."""
    children: list[subprocess.Popen[bytes]] = []
    with Desk(ctx, order.ranks) as desk:
        try:
            for rank in range(order.ranks):
                children.append(_start(desk, order, rank))
                threading.Thread(target=_watch, args=(desk, rank, children[-1]), daemon=True).start()
            return gather(desk.words, order.ranks)
        finally:
            for child in children:
                child.kill()
                child.wait()


def _start(desk: Desk, order: Order, rank: int) -> subprocess.Popen[bytes]:
    """A rank; its order goes over stdin, because a command line is public."""
    told = {**asdict(order), "desk": desk.address, "rank": rank, "path": sys.path, "parent": os.getpid()}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment.setdefault("GLOO_SOCKET_IFNAME", _loopback())  # else it looks up the machine's name, which may be slow
    child = subprocess.Popen(
        [sys.executable, "-m", "aimass.runner.rank"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    assert child.stdin is not None
    with suppress(BrokenPipeError), child.stdin as pipe:
        pipe.write(json.dumps(told).encode())
    return child


def _loopback() -> str:
    return next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")


def _watch(desk: Desk, rank: int, child: subprocess.Popen[bytes]) -> None:
    """Pass on what the rank prints, and say when it is gone."""
    last: deque[str] = deque(maxlen=LINES)
    assert child.stdout is not None
    for line in child.stdout:
        text = line.decode(errors="replace").rstrip()
        last.append(text)
        print(text, file=sys.stderr)
    code = child.wait()
    why = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
    said = "".join(f"\n    {text}" for text in last)
    desk.words.put(Word(rank, "gone", f"{why} before it had an answer{'; its last lines:' if said else ''}{said}"))
