"""Serving in the foreground: a socket, a model, an event loop, and an end that loses no request."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import gc
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError
from aimass.serve.app import App
from aimass.serve.base import Wrapper
from aimass.serve.grpc.service import Service
from aimass.serve.http.front import Front
from aimass.serve.http.limits import Limits
from aimass.serve.http2.front import Front as Calls
from aimass.serve.log import PredictionLog
from aimass.serve.predictor import Served, Wanted, load

if sys.platform == "win32":
    from asyncio import new_event_loop
else:
    from uvloop import new_event_loop

BACKLOG = 2048
LINGER = 0.3  # seconds after a stop signal in which open connections may still send a request
SO_ATTACH_FILTER = 26  # asm-generic/socket.h
GRACE = 20  # seconds for requests under way to finish


@dataclass(frozen=True)
class Listening:
    """Where a server answers."""

    url: str
    host: str
    port: int
    pid: int
    model: str

    def as_json(self) -> dict[str, Any]:
        return {"ready": True, **asdict(self)}


def say(where: Listening) -> None:
    """Tell a person."""
    print(f"{where.model} answers at {where.url}/v1/predict/{where.model.partition('@')[0]}", flush=True)
    print(f"how to ask: {where.url}/v1/docs   end it: Ctrl-C", flush=True)


def serve(
    folder: Path,
    *,
    name: str,
    version: int | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    log_to: Path | None = None,
    ready: Callable[[Listening], None] = say,
) -> None:
    """`serve_all` of one model or release."""
    serve_all([Wanted(Path(folder), name, version)], host=host, port=port, log_to=log_to, ready=ready)


def serve_all(
    wanted: Sequence[Wanted],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    grpc_port: int | None = None,
    log_to: Path | None = None,
    ready: Callable[[Listening], None] = say,
) -> None:
    """Answer with the models or releases WANTED until SIGTERM or SIGINT; requests under way are answered.

    HTTP/1.1 and gRPC on the same port; both on GRPC_PORT, too, for clients that want another one.  Only this machine
    can reach it unless HOST says otherwise.  LOG_TO: the folder for the prediction log.  READY is called once it
    listens.  Raises InputError when a folder cannot be served or a port cannot be had.
    """
    bound = [bind(host, number) for number in (port, grpc_port) if number is not None]
    models: list[Served] = []
    try:
        wrappers: list[Wrapper] = [] if log_to is None else [PredictionLog()]
        for one in wanted:
            models.append(load(one, log_to=log_to, wrappers=wrappers))
        for door in bound:
            _listen(door, host)
        where = _where(bound[0], host, ", ".join(model.label for model in models))
        gc.collect()
        gc.freeze()  # what was loaded stays: a collection need not walk it again
        Server(App(models), bound, lambda: ready(where)).run()
    finally:
        for model in models:
            model.close()
        for door in bound:
            door.close()


def bind(host: str, port: int) -> socket.socket:
    """A bound socket.  Raises InputError when HOST is no address of this machine or PORT cannot be had."""
    if not 0 <= port <= 65535:
        raise InputError(f"port {port} does not exist", expected="0 to 65535; 0 picks a free one", key="port")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise InputError(
            f"no address is known for host {host!r}", expected="a name or an address", key="host"
        ) from error
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _unavailable(error, host, port) from error
    return bound


def _listen(bound: socket.socket, host: str) -> None:
    try:
        bound.listen(BACKLOG)
    except OSError as error:  # another program bound the same port at the same time
        raise _unavailable(error, host, bound.getsockname()[1]) from error
    bound.setblocking(False)


def _unavailable(error: OSError, host: str, port: int) -> InputError:
    if error.errno == errno.EADDRINUSE:
        return InputError(
            f"port {port} of {host} is taken",
            expected="a free port",
            todo="stop the program that listens there, or choose another: --port 0 picks a free one",
            key="port",
        )
    return InputError(
        f"cannot listen on port {port} of {host}: {error.strerror}",
        expected="an address of this machine and a port this user may open",
        todo="try --host 127.0.0.1 and a port above 1023",
        key="host" if error.errno == errno.EADDRNOTAVAIL else "port",
    )


def _where(bound: socket.socket, host: str, label: str) -> Listening:
    port = int(bound.getsockname()[1])
    shown = f"[{host}]" if ":" in host else host
    return Listening(f"http://{shown}:{port}", host, port, os.getpid(), label)


def _no_more_knocks(listener: socket.socket) -> None:
    """From here on the kernel drops what would open a connection to LISTENER, and lets pass what open ones send.

    Between the last accept and the close a caller could still be let in by the kernel, and then be reset with its
    request on the way.  With this filter (classic BPF on the 14th byte of the TCP header, its flags: a SYN without an
    ACK is dropped) that caller knocks again a second later and is refused cleanly.  Linux only; elsewhere the moment
    between accept and close stays, and a caller who falls into it has to ask again.
    """
    if sys.platform != "linux":
        return
    flags, syn, ack = 13, 0x02, 0x10
    load_byte, jump_if_set, leave = 0x30, 0x45, 0x06
    lines = [(load_byte, 0, 0, flags), (jump_if_set, 2, 0, ack), (jump_if_set, 0, 1, syn), (leave, 0, 0, 0)]
    lines.append((leave, 0, 0, 0xFFFFFFFF))
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    attach = struct.pack("HL", len(lines), ctypes.addressof(program))
    with contextlib.suppress(OSError):  # a container may forbid it: then as elsewhere
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, attach)


class Server:
    """One process on its sockets: answers until it is told to stop; whoever has asked by then is answered."""

    def __init__(
        self, app: App, bound: Sequence[socket.socket], ready: Callable[[], None], limits: Limits = Limits()
    ) -> None:
        self.app, self.bound, self.ready = app, bound, ready
        self.calls = Calls(Service(app.v2, lambda: not app.draining).methods, limits)
        self.front = Front(app.route, limits, self.calls)
        self.stopping, self.at_once = asyncio.Event(), asyncio.Event()

    def run(self) -> None:
        """Until a signal, or `stop`."""
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        watch = loop.create_task(self.front.watch())
        with _signals(loop, self.stop):
            listeners = [
                await loop.create_server(self.front.connection, sock=bound, backlog=BACKLOG) for bound in self.bound
            ]
            self.ready()
            await self.stopping.wait()
            await self._end(listeners)
        watch.cancel()

    def stop(self) -> None:
        """The first time finish what was begun, the second time end at once."""
        if self.stopping.is_set():
            self.at_once.set()
        self.app.draining = self.front.draining = True
        self.stopping.set()

    async def _end(self, listeners: Sequence[asyncio.Server]) -> None:
        """Let nobody new knock, take in who has, close the doors, let open connections finish."""
        for bound in self.bound:
            _no_more_knocks(bound)
        knocked = [connection for bound in self.bound for connection in _knocked(bound)]
        for listener in listeners:
            listener.close()
        for connection in knocked:
            await asyncio.get_running_loop().connect_accepted_socket(self.front.connection, connection)
        await self._until(self._left, LINGER)
        self.front.close_idle()
        self.calls.end()
        await self._until(self._left, GRACE)
        self.front.abort()
        self.calls.abort()

    def _left(self) -> bool:
        """Whether nobody is connected any more."""
        return not self.front.connections and not self.calls.connections

    async def _until(self, over: Callable[[], bool], seconds: float) -> None:
        """OVER, or so many SECONDS have passed, or there is no time for it."""
        until = time.monotonic() + seconds
        while not over() and time.monotonic() < until and not self.at_once.is_set():
            await asyncio.sleep(0.01)


def _knocked(bound: socket.socket) -> list[socket.socket]:
    """Connections the kernel has made and nobody has accepted: closing the listener would reset them."""
    found = []
    with contextlib.suppress(OSError):
        while True:
            found.append(bound.accept()[0])
    return found


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """STOP on SIGINT and SIGTERM, where this thread is the one that hears them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
