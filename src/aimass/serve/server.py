"""Serving in the foreground: a socket, a model, an event loop, and an end that loses no request."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.serve.access.door import Door, Opened
from aimass.serve.access.watch import watch
from aimass.serve.app import App
from aimass.serve.feedback import Feedback
from aimass.serve.http.connection import Taking
from aimass.serve.http.crowd import Crowd
from aimass.serve.http.front import Front
from aimass.serve.http.limits import Limits
from aimass.serve.listening import Listening, say, where_of
from aimass.serve.observe.settings import Observing
from aimass.serve.predictor import Served, Wanted, load
from aimass.serve.signals import heard
from aimass.serve.sockets import BACKLOG, bind, knocked, listen, no_more_knocks
from aimass.serve.versions.repository import Given, Repository
from aimass.serve.whole import Alone

if TYPE_CHECKING:
    from aimass.serve.workers.member import Member

if sys.platform == "win32":
    from asyncio import new_event_loop
else:
    from uvloop import new_event_loop

COLLECTING = (700, 10, 100)  # a request leaves no cycle behind: to walk all that wait, often, held up all for 20 ms
LINGER = 0.3  # seconds after a stop signal in which open connections may still send a request
GRACE = 20  # seconds for requests under way to finish


def serve(
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
    member: Member | None = None,
) -> None:
    """Answer with the models or releases WANTED until SIGTERM or SIGINT; requests under way are answered.

    HTTP/1.1 and gRPC on the same port; both on GRPC_PORT, too, for clients that want another one.  Only this machine
    can reach it unless HOST says otherwise.  REPOSITORY: where other versions come from while it serves.  LOG_TO: the
    folder for the prediction log.  OBSERVING: what is told of requests, and where.  DOOR: whether keys are asked for,
    and TLS is spoken.  READY is called once it listens.  MEMBER: this process is one of several, which has its sockets
    and its versions from a supervisor.  Raises InputError when a folder cannot be served or a port cannot be had.
    """
    if member is None:
        bound = [bind(host, number) for number in (port, grpc_port) if number is not None]
    else:
        bound = member.mine
    models: list[Served] = []
    app: App | None = None
    observers = observing.begin()
    ready_made = partial(
        load, log_to=log_to, wrappers=[] if log_to is None else [observing.log], observers=observers.all
    )
    opened = Opened()
    try:
        opened = door.open(member.tallies if member else None)
        for warning in door.warnings(host) if member is None or member.number == 0 else ():
            print(f"warning: {warning}", file=sys.stderr, flush=True)
        models.extend(ready_made(one) for one in (member.wanted(wanted, repository) if member else wanted))
        for listener in bound if member is None else ():
            listen(listener, host)
        scheme = "https" if door.tls else "http"
        where = where_of(bound[0], scheme, host, ", ".join(model.label for model in models) or "no model yet")
        app = App(models, repository=repository or Given(wanted), load=ready_made, observers=observers,
                  feedback=Feedback(log_to), whole=member)  # fmt: skip
        gc.freeze()  # what was loaded stays: a collection need not walk it again
        gc.set_threshold(*COLLECTING)
        gc.enable()
        Server(app, bound, where, ready, opened=opened, member=member).run()
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


class Server:
    """One process on its sockets: answers until it is told to stop; whoever has asked by then is answered."""

    def __init__(
        self, app: App, bound: Sequence[socket.socket], where: Listening, ready: Callable[[Listening], None],
        limits: Limits = Limits(), *, opened: Opened = Opened(), member: Member | None = None,
    ) -> None:  # fmt: skip
        self.app, self.bound, self.where, self.ready, self.member = app, bound, where, ready, member
        self.crowd = app.vitals.crowd = Crowd(limits)
        app.live.serves(self.crowd)
        self.crowd.counts.observers = app.observers.all
        self.opened, self.guard = opened, opened.guard(lambda: app.deployments)
        app.door = opened.health
        if self.guard is None:
            self.front = Front(app.route, self.crowd, self._calls)
        else:
            self.front = Front(self.guard.routes(app.route), self.crowd, self._calls, self.guard.turns_away)
        app.changed.append(self.front.forget)
        self.listeners: list[asyncio.Server] = []
        self._imported: asyncio.Future[Any] | None = None  # what gRPC needs
        self.handing_over = False  # another process answers on the same sockets
        if isinstance(app.whole, Alone):
            self.crowd.duties.append(app.life.look)
        self.stopping, self.at_once = asyncio.Event(), asyncio.Event()

    def _calls(self, then: Taking) -> None:
        """Let THEN have who speaks HTTP/2 with one caller.

        What gRPC needs is imported when somebody speaks it, beside the event loop: all others would wait for it.
        """
        if self._imported is None:
            self._imported = asyncio.get_running_loop().run_in_executor(None, import_module, "aimass.serve.grpc.calls")
        self._imported.add_done_callback(lambda done: then(self._grpc.connection()))

    @cached_property
    def _grpc(self) -> Any:
        from aimass.serve.grpc.calls import calls_of

        return calls_of(self.app, self.crowd, self.guard)

    def run(self) -> None:
        """Until a signal, or `stop`."""
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(self.until_stopped())

    async def until_stopped(self) -> None:
        """`run`, on the event loop that runs already."""
        loop = asyncio.get_running_loop()
        watching = [loop.create_task(self.crowd.watch()), loop.create_task(watch(self.opened.looks))]
        self.app.vitals.watch(loop)
        told = self.stop if self.member is None else self.leave
        with heard(loop, told, self.app.observers.reopen if self.app.observers.all else None):
            if self.member is None:
                await self.answer(self.bound)
                self.ready(self.where)
            else:
                await self.member.join(self, self.where.as_json())
            await self.stopping.wait()
            await self._end()
        for task in watching:
            task.cancel()

    async def listen(self, sockets: Sequence[socket.socket]) -> list[asyncio.Server]:
        """Take in who knocks at SOCKETS, too, until what is given back is closed."""
        made, secured = asyncio.get_running_loop().create_server, self.opened.secured
        return [await made(self.front.connection, sock=one, backlog=BACKLOG, **secured) for one in sockets]

    async def answer(self, sockets: Sequence[socket.socket]) -> None:
        """Take in who knocks at SOCKETS, until the end."""
        self.listeners += await self.listen(sockets)

    def stop(self) -> None:
        """The first time finish what was begun, the second time end at once."""
        if self.stopping.is_set():
            self.at_once.set()
        self.app.draining = self.front.draining = True
        self.stopping.set()

    def leave(self) -> None:
        """The same for one of several processes: the server itself goes on, and answers at these sockets."""
        if self.stopping.is_set():
            self.at_once.set()
        self.handing_over = self.front.draining = True
        self.stopping.set()

    async def _end(self) -> None:
        """Let nobody new knock, take in who has, close the sockets, let open connections finish."""
        sockets: Sequence[socket.socket] = self.member.all_sockets if self.member else self.bound
        if self.member:
            self.member.leaves()
        if self.handing_over:
            sockets = []
        for one in sockets:
            no_more_knocks(one)
        waiting = [connection for one in sockets for connection in knocked(one)]
        for listener in self.listeners:
            listener.close()
        if self.member:
            self.member.close_all()
        await asyncio.gather(*map(self._taken_in, waiting))
        if self.opened.secured:  # whose handshake is under way is not among the connections yet
            await self._until(lambda: False, LINGER)
        self.crowd.warn()
        await self._until(self._left, LINGER)
        self.crowd.end()
        await self._until(self._left, GRACE)
        self.crowd.abort()
        if self.member:
            await self.member.end()

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
