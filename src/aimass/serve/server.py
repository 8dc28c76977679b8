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
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from aimass.core.errors import InputError
from aimass.serve.app import App
from aimass.serve.base import Wrapper
from aimass.serve.log import PredictionLog
from aimass.serve.predictor import Wanted, load

BACKLOG = 2048
IDLE = 75  # seconds a connection may stay open without a request
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
    """Answer with the model or release in FOLDER as NAME until SIGTERM or SIGINT; requests under way are answered.

    Only this machine can reach it unless HOST says otherwise.  LOG_TO: the folder for the prediction log.  READY is
    called once it listens.  Raises InputError when the folder cannot be served or the port cannot be had.
    """
    bound = bind(host, port)
    try:
        wrappers: list[Wrapper] = [] if log_to is None else [PredictionLog()]
        served = load(Wanted(Path(folder), name, version), log_to=log_to, wrappers=wrappers)
        try:
            _listen(bound, host)
            where = _where(bound, host, served.label)
            gc.collect()
            gc.freeze()  # what was loaded stays: a collection need not walk it again
            Server(App([served]), bound, lambda: ready(where)).run(sockets=[bound])
        finally:
            served.close()
    finally:
        bound.close()


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


class Server(uvicorn.Server):
    """uvicorn with another end: who has sent a request, or waits to be let in, is answered; a stop is no failure."""

    def __init__(self, app: App, bound: socket.socket, ready: Callable[[], None]) -> None:
        self.app, self.bound, self.ready = app, bound, ready
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=GRACE,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """uvicorn raises the signal again at the end, which would kill the process before its logs are flushed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once."""
        self.force_exit = self.should_exit
        self.should_exit = self.app.draining = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody new knock, take in who has, close the door, let open connections finish, then end."""
        self.app.draining = True
        _no_more_knocks(self.bound)
        knocked = self._knocked()
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in knocked:
            await loop.connect_accepted_socket(self._protocol, connection)
        until = loop.time() + LINGER
        while self.server_state.connections and loop.time() < until and not self.force_exit:
            await asyncio.sleep(0.01)
        await super().shutdown()

    def _knocked(self) -> list[socket.socket]:
        """Connections the kernel has made and nobody has accepted: closing the listener would reset them."""
        found = []
        with contextlib.suppress(OSError):
            while True:
                found.append(self.bound.accept()[0])
        return found

    def _protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = kind(config=self.config, server_state=self.server_state, app_state={})
        return protocol
