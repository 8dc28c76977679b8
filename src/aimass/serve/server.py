"""Serving in the foreground: a socket, a model, an event loop, and an end that loses no request."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from aimass.serve.access.door import Door, Opened
from aimass.serve.access.watch import watch
from aimass.serve.app import App
from aimass.serve.feedback import Feedback
from aimass.serve.http.crowd import Crowd
from aimass.serve.http.front import Front
from aimass.serve.http.limits import Limits
from aimass.serve.observe.settings import Observing
from aimass.serve.predictor import Served, Wanted, load
from aimass.serve.sockets import BACKLOG, bind, knocked, listen, no_more_knocks
from aimass.serve.versions.repository import Repository

if sys.platform == "win32":
    from asyncio import new_event_loop
else:
    from uvloop import new_event_loop

LINGER = 0.3  # seconds after a stop signal in which open connections may still send a request
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
    repository: Repository | None = None,
    log_to: Path | None = None,
    observing: Observing = Observing(),
    door: Door = Door(),
    ready: Callable[[Listening], None] = say,
) -> None:
    """`serve_all` of one model or release."""
    serve_all([Wanted(folder, name, version)], host=host, port=port, repository=repository, log_to=log_to,
              observing=observing, door=door, ready=ready)  # fmt: skip


def serve_all(
    wanted: Sequence[Wanted],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    grpc_port: int | None = None,
    repository: Repository | None = None,
    log_to: Path | None = None,
    observing: Observing = Observing(),
    door: Door = Door(),
    ready: Callable[[Listening], None] = say,
) -> None:
    """Answer with the models or releases WANTED until SIGTERM or SIGINT; requests under way are answered.

    HTTP/1.1 and gRPC on the same port; both on GRPC_PORT, too, for clients that want another one.  Only this machine
    can reach it unless HOST says otherwise.  REPOSITORY: where other versions come from while it serves.  LOG_TO: the
    folder for the prediction log.  OBSERVING: what is told of requests, and where.  DOOR: whether keys are asked for,
    and TLS is spoken.  READY is called once it listens.  Raises InputError when a folder cannot be served or a port
    cannot be had.
    """
    bound = [bind(host, number) for number in (port, grpc_port) if number is not None]
    models: list[Served] = []
    app: App | None = None
    observers = observing.begin()
    ready_made = partial(
        load, log_to=log_to, wrappers=[] if log_to is None else [observing.log], observers=observers.all
    )
    opened = Opened()
    try:
        opened = door.open()
        for warning in door.warnings(host):
            print(f"warning: {warning}", file=sys.stderr, flush=True)
        models.extend(ready_made(one) for one in wanted)
        for listener in bound:
            listen(listener, host)
        scheme = "https" if door.tls else "http"
        where = _where(bound[0], scheme, host, ", ".join(model.label for model in models) or "no model yet")
        app = App(models, repository=repository, load=ready_made, observers=observers, feedback=Feedback(log_to))
        gc.collect()
        gc.freeze()  # what was loaded stays: a collection need not walk it again
        Server(app, bound, lambda: ready(where), opened=opened).run()
    finally:
        if app is None:
            for model in models:
                model.close()
        else:
            app.close()
        observers.close()
        for listener in bound:
            listener.close()
        opened.close()


def _where(bound: socket.socket, scheme: str, host: str, label: str) -> Listening:
    port = int(bound.getsockname()[1])
    shown = f"[{host}]" if ":" in host else host
    return Listening(f"{scheme}://{shown}:{port}", host, port, os.getpid(), label)


class Server:
    """One process on its sockets: answers until it is told to stop; whoever has asked by then is answered."""

    def __init__(
        self, app: App, bound: Sequence[socket.socket], ready: Callable[[], None], limits: Limits = Limits(),
        opened: Opened = Opened(),
    ) -> None:  # fmt: skip
        self.app, self.bound, self.ready = app, bound, ready
        self.crowd = app.vitals.crowd = Crowd(limits)
        self.crowd.counts.observers = app.observers.all
        self.opened, self.guard = opened, opened.guard(lambda: app.deployments)
        app.door = opened.health
        if self.guard is None:
            self.front = Front(app.route, self.crowd, self._calls)
        else:
            self.front = Front(self.guard.routes(app.route), self.crowd, self._calls, self.guard.turns_away)
        app.changed.append(self.front.forget)
        self.crowd.duties.append(app.life.look)
        self.stopping, self.at_once = asyncio.Event(), asyncio.Event()

    def _calls(self) -> asyncio.Protocol:
        """Who speaks HTTP/2 with one caller.  What gRPC needs is imported when somebody speaks it."""
        made: asyncio.Protocol = self._grpc.connection()
        return made

    @cached_property
    def _grpc(self) -> Any:
        from aimass.serve.grpc.service import Service
        from aimass.serve.http2.front import Front as Calls

        service = Service(self.app.facts, self.app.api)
        self.app.changed.append(service.forget)
        if self.guard is None:
            return Calls(service.methods, self.crowd)
        from aimass.serve.access.gate import Gate

        gate = Gate(self.guard)
        return Calls(gate.methods(service.methods), self.crowd, gate.lets_in)

    def run(self) -> None:
        """Until a signal, or `stop`."""
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        watching = [loop.create_task(self.crowd.watch()), loop.create_task(watch(self.opened.looks))]
        self.app.vitals.watch(loop)
        with _signals(loop, self.stop, self.app.observers.reopen if self.app.observers.all else None):
            listeners = [
                await loop.create_server(self.front.connection, sock=bound, backlog=BACKLOG, **self.opened.secured)
                for bound in self.bound
            ]
            self.ready()
            await self.stopping.wait()
            await self._end(listeners)
        for task in watching:
            task.cancel()

    def stop(self) -> None:
        """The first time finish what was begun, the second time end at once."""
        if self.stopping.is_set():
            self.at_once.set()
        self.app.draining = self.front.draining = True
        self.stopping.set()

    async def _end(self, listeners: Sequence[asyncio.Server]) -> None:
        """Let nobody new knock, take in who has, close the doors, let open connections finish."""
        for bound in self.bound:
            no_more_knocks(bound)
        waiting = [connection for bound in self.bound for connection in knocked(bound)]
        for listener in listeners:
            listener.close()
        await asyncio.gather(*map(self._taken_in, waiting))
        if self.opened.secured:  # whose handshake is under way is not among the connections yet
            await self._until(lambda: False, LINGER)
        await self._until(self._left, LINGER)
        self.crowd.end()
        await self._until(self._left, GRACE)
        self.crowd.abort()

    async def _taken_in(self, knocked: socket.socket) -> None:
        loop, secured = asyncio.get_running_loop(), self.opened.secured
        with contextlib.suppress(OSError, TimeoutError):  # who is gone, or says nothing in TLS
            await asyncio.wait_for(loop.connect_accepted_socket(self.front.connection, knocked, **secured), LINGER)

    def _left(self) -> bool:
        """Whether nobody is connected any more."""
        return not self.crowd.connections

    async def _until(self, over: Callable[[], bool], seconds: float) -> None:
        """OVER, or so many SECONDS have passed, or there is no time for it."""
        until = time.monotonic() + seconds
        while not over() and time.monotonic() < until and not self.at_once.is_set():
            await asyncio.sleep(0.01)


@contextlib.contextmanager
def _signals(
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
