"""Windows of requests at a steady rate, by turns with and without something else going on.

Who asks must not be what is measured: arrivals are kept to some ten microseconds (an event loop's timers know only
milliseconds), on a core of its own and before all else there, where the system allows that (SCHED_FIFO: a daemon of
the kernel that takes 2.5 ms would be taken for the server).  What goes on beside it is asked for by another process,
which gets that core only while there is nothing to ask.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from open_loop import http_request
from scene import LOAD, SERVER, Running, asked, median_and_interval

RATE = 0.3  # of what the server answers at most, but no more than
MOST = 3000.0  # a second: beyond, who asks would begin to wait for itself
TIMER_SLACK = 29  # prctl: how late Linux may wake us

Deed = Callable[[], Any]


class Connection:
    """A socket to PORT with at most one request under way, which was due at DUE."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due, self.heard = 0.0, b""

    def status(self) -> int:
        """Of the answer that is whole now; -1 while it is not, 0 when there will be none."""
        try:
            more = self.socket.recv(65536)
        except OSError:
            return 0
        if not more:
            return 0
        self.heard += more
        head, found, body = self.heard.partition(b"\r\n\r\n")
        if not found:
            return -1
        at = head.lower().index(b"content-length:") + 15
        if len(body) < int(head[at:].split(b"\r\n", 1)[0]):
            return -1
        self.heard = b""
        return int(head[9:12])


def arrivals(port: int, request: bytes, rate: float, seconds: float, seed: int) -> tuple[list[float], int]:
    """Seconds from when each of RATE a second was due (Poisson) until it was answered, and how many failed."""
    due = time.perf_counter() + 0.05 + np.cumsum(np.random.default_rng(seed).exponential(1 / rate, int(rate * seconds)))
    waiting, free = dict[int, Connection](), list[Connection]()
    told, failed, sent = list[float](), 0, 0
    with select.epoll() as ready:  # a stall may leave thousands waiting, more than select() can name
        while sent < len(due) or waiting:
            while sent < len(due) and due[sent] <= time.perf_counter():
                one = free.pop() if free else Connection(port)
                one.due = float(due[sent])
                one.socket.sendall(request)
                waiting[one.socket.fileno()] = one
                ready.register(one.socket, select.EPOLLIN)
                sent += 1
            left = due[sent] - time.perf_counter() if sent < len(due) else 1.0
            select.select([ready], (), (), max(0.0, left))  # epoll itself waits for whole milliseconds
            for number, _ in ready.poll(0):
                status = waiting[number].status()
                if status < 0:
                    continue
                told.append(time.perf_counter() - waiting[number].due)
                failed += status != 200
                ready.unregister(number)
                one = waiting.pop(number)
                free.append(one) if status else one.socket.close()
    for one in free:
        one.socket.close()
    return told, failed


@contextmanager
def first() -> Iterator[None]:
    """Nobody else gets this core before us, where we may ask for that."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Window:
    """Requests of BODY to PATH of SERVER, RATE a second for so many SECONDS."""

    def __init__(self, server: Running, path: str, body: bytes, rate: float, seconds: float) -> None:
        self.port, self.request = server.port, http_request(path, body)
        self.rate, self.seconds, self.seed, self.failed = rate, seconds, 0, 0
        self.came: list[Any] = []  # of the deeds

    def p99(self, deed: Deed | None = None) -> float:
        """Milliseconds, while DEED is done over and over."""
        self.seed += 1
        if deed is None:
            return self._asked()
        here, there = multiprocessing.Pipe()
        doing = multiprocessing.get_context("fork").Process(target=_do, args=(deed, there))
        doing.start()
        try:
            return self._asked()
        finally:
            here.send("enough")
            self.came += here.recv()
            doing.join()

    def _asked(self) -> float:
        with first():
            told, failed = arrivals(self.port, self.request, self.rate, self.seconds, self.seed)
        self.failed += failed
        return 1000 * float(np.percentile(told, 99))

    def pairs(self, many: int, deed: Deed) -> dict[str, Any]:
        """The ratio of p99 with DEED over without, by pairs of windows; who is first changes."""
        found = []
        for i in range(many):
            both = [self.p99(deed if with_it else None) for with_it in (i % 2, 1 - i % 2)]
            found.append(tuple(reversed(both)) if i % 2 else tuple(both))
        ratios = median_and_interval([with_it / without for without, with_it in found])
        p99 = median_and_interval([without for without, _ in found])
        more = median_and_interval([with_it - without for without, with_it in found])
        return {"ratio of p99": ratios, "p99 without, ms": p99, "p99 more with, ms": more, "done": len(self.came),
                "failed": self.failed, "asked a second": self.rate}  # fmt: skip


def _do(deed: Deed, pipe: Any) -> None:
    """DEED, over and over, until PIPE says that it is enough; what came of it goes back."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    came = []
    while not pipe.poll():
        came.append(deed())
    pipe.send(came)


def steady(server: Running, path: str, body: bytes, seconds: float) -> Window:
    """Windows at a share of what SERVER can do."""
    with suppress(OSError):
        ctypes.CDLL(None).prctl(TIMER_SLACK, 1, 0, 0, 0)
    most = asked(server.port, path, body, connections=16, seconds=2, core=LOAD if LOAD != SERVER else None).rate
    return Window(server, path, body, min(MOST, RATE * most), seconds)
