"""Keeps the processes behind a workspace until it is told to stop: starts them, says who is up, ends them."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import os
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from aimass import __version__
from aimass.console.alive import started
from aimass.console.up import BODIES, house
from aimass.console.up import state as file
from aimass.console.up.kept import Kept
from aimass.console.up.state import State
from aimass.core.errors import AimassError, InputError, unknown
from aimass.core.part import Settings, knob
from aimass.runner.workspace import Workspace
from aimass.serve.access.door import Door, door
from aimass.serve.sockets import bind
from aimass.store.catalog import now
from aimass.store.lock import tried

ANSWER = 0.2  # seconds before a process is ended, so that one which asked for its own end hears the answer
DRAIN = 45.0  # seconds for all to end by themselves: a job is given 10 to stop, 10 more to be interrupted


class Wanted(Settings):
    """What `aimass up` starts, and where."""

    host: str = knob("127.0.0.1", help="where the console answers; the endpoints stay on this machine")
    port: int = knob(8090, 0, 65535, help="of the console; 0 picks a free one")
    serve_port: int = knob(8080, 0, 65535, help="of the endpoints; 0 picks a free one")
    workers: int = knob(1, 0, 64, help="jobs that may run at once")
    tls_cert: str = knob("", help="the console speaks TLS: the certificate and its chain, PEM")
    tls_key: str = knob("", help="the key of the certificate, PEM")
    keys: str = knob("", help="the endpoints ask for keys: the file that `aimass keys` writes")
    proxy: str = knob("", help="addresses of proxies in front, with commas between: they are believed who asks")

    def proxies(self) -> list[str]:
        """Their addresses, or networks of them.  Raises InputError for what is neither."""
        found = [word.strip() for word in self.proxy.split(",") if word.strip()]
        for word in found:
            try:
                ipaddress.ip_network(word)
            except ValueError as error:
                raise InputError(f"{word!r} is no address: {error}", expected="such as 127.0.0.1 or 10.0.0.0/8",
                                 key="proxy") from error  # fmt: skip
        return found

    def door(self) -> Door:
        """Files that can be read.  Raises InputError naming the one at fault."""
        cert, key, keys = (Path(file).absolute() if file else None for file in (self.tls_cert, self.tls_key, self.keys))
        found = door(keys, cert, key, None)
        found.open()
        return found


def supervise(workspace: Workspace, wanted: Wanted, ready: Callable[[State], None]) -> None:
    """Keep what is WANTED for WORKSPACE until SIGTERM or SIGINT; SIGHUP starts what failed too often once more.

    READY is called once all have begun, or failed to.  Raises InputError when it is up already or a port or a file
    cannot be had, and what the console raised when that cannot begin.
    """
    wanted.door()
    wanted.proxies()
    with tried(file.folder_of(workspace.folder) / "lock") as mine:
        if not mine:
            raise already(file.read(workspace.folder))
        with bind(wanted.host, wanted.port) as bound:
            bound.listen()
            supervisor = Supervisor(workspace, wanted, bound, ready)
            try:
                asyncio.run(supervisor.run())
            finally:
                file.remove(workspace.folder)
                house.remove(workspace.folder)
    if supervisor.error is not None:
        raise supervisor.error


def already(state: State | None) -> InputError:
    """It is up."""
    where = f" at {state.console} (process {state.pid})" if state else ""
    return InputError(f"it is up already{where}", todo="see: aimass status; end it: aimass down")


class Supervisor:
    """Of what is WANTED in WORKSPACE; the console answers at BOUND."""

    def __init__(
        self, workspace: Workspace, wanted: Wanted, bound: socket.socket, ready: Callable[[State], None]
    ) -> None:
        self.workspace, self.ready, self.began = workspace, ready, now()
        port = int(bound.getsockname()[1])
        shown = f"[{wanted.host}]" if ":" in wanted.host else wanted.host
        self.door = wanted.door()
        self.console = f"http{'s' if self.door.tls else ''}://{shown}:{port}/"
        self.values: dict[str, Any] = {}  # of parameters, as they were set
        self.keeping: dict[Kept, asyncio.Task[None]] = {}
        at_console = {"host": wanted.host, "socket": bound.fileno(), "console": self.console,
                      "proxies": wanted.proxies()}  # fmt: skip
        if self.door.tls:
            at_console["tls"] = [str(self.door.tls.cert), str(self.door.tls.key)]
        self.kept = [self._kept("console", at_console, bound.fileno())]
        self.kept += [self._kept(f"jobs-{number + 1}", {}) for number in range(wanted.workers)]
        self.kept.append(self._kept("inference", self._inference(free(wanted.serve_port))))
        self.wanted = wanted
        self.error: AimassError | None = None
        self.over, self.at_once = asyncio.Event(), asyncio.Event()

    def _inference(self, port: int) -> dict[str, Any]:
        """What the server of predictions has to know; where it asks for keys, this side of it has one, too."""
        told: dict[str, Any] = {"host": "127.0.0.1", "port": port}
        house.remove(self.workspace.folder)
        if self.door.keys:
            key, token = house.make(self.workspace.folder)
            told |= {"keys": str(self.door.keys), "house": key.as_json(), "key": token}
        return told

    def _kept(self, name: str, more: dict[str, Any], *passed: int) -> Kept:
        order = {"body": BODIES[name.partition("-")[0]], "url": self.workspace.url, **more}
        log = file.folder_of(self.workspace.folder) / f"{name}.log"
        found = Kept(name, order, log, passed=passed, changed=self._changed, asked=self._asked, wanted=self.values)
        found.hang = self.values.get("up/hang_seconds", found.hang)
        found.large = self.values.get("up/log_bytes", found.large)
        return found

    def state(self) -> State:
        """What is, for others to read."""
        facts = [one.as_json() for one in self.kept]
        inference = next((fact["url"] for fact in facts if fact["name"] == "inference" and "url" in fact), "")
        return State(os.getpid(), started(os.getpid()), self.began, self.console, inference, facts, __version__,
                     {"jobs/workers": self.wanted.workers}, {**self.values})  # fmt: skip

    def _changed(self) -> None:
        console = self.kept[0]
        if console.error is not None and not console.ever:
            self.error = self.error or console.error
            self.over.set()
        file.write(self.workspace.folder, self.state())

    # -- the run --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until a signal, or the console cannot begin."""
        loop = asyncio.get_running_loop()
        actions = {signal.SIGTERM: self.stop, signal.SIGINT: self.stop, signal.SIGHUP: self.again}
        heard = actions if threading.current_thread() is threading.main_thread() else {}
        for number, action in heard.items():
            loop.add_signal_handler(number, action)
        for one in self.kept:
            self._keep(one)
        saying = loop.create_task(self._say())
        try:
            await self.over.wait()
        finally:
            saying.cancel()
            await self._end()
            for number in heard:
                loop.remove_signal_handler(number)

    def _keep(self, one: Kept) -> None:
        self.keeping[one] = asyncio.get_running_loop().create_task(one.keep())

    async def _say(self) -> None:
        await asyncio.gather(*(one.settled.wait() for one in self.kept))
        if not self.over.is_set():
            self.ready(self.state())

    def stop(self) -> None:
        """The first time let all finish, the second time end at once."""
        if self.over.is_set():
            self.at_once.set()
        self.over.set()

    def again(self) -> None:
        """Another chance for what failed too often."""
        for one in self.kept:
            one.again()

    async def _end(self) -> None:
        for one in self.kept:
            one.stop()
        at_once = asyncio.create_task(self.at_once.wait())
        everybody = asyncio.gather(*self.keeping.values(), return_exceptions=True)
        all_ways: list[asyncio.Future[Any]] = [everybody, at_once]
        await asyncio.wait(all_ways, timeout=DRAIN, return_when=asyncio.FIRST_COMPLETED)
        for one in self.kept:
            one.kill()
        await everybody
        at_once.cancel()

    # -- what the console asks for --------------------------------------------------------------------------------

    def _asked(self, one: Kept, what: dict[str, Any]) -> Any:
        """Do WHAT the process ONE asks for.  Raises InputError."""
        if one is not self.kept[0]:
            raise InputError(f"{one.name} may not ask for this", expected="the console")
        if "renew" in what:
            return self._renew(what["renew"])
        return self._set(what["set"])

    def _renew(self, name: str) -> dict[str, Any]:
        """Start the process NAME anew; the state it was in."""
        found = next((one for one in self.kept if one.name == name), None)
        if found is None:
            raise unknown("process", name[:80], [one.name for one in self.kept])
        told = found.as_json()
        asyncio.get_running_loop().call_later(ANSWER, found.renew)
        return told

    def _set(self, values: dict[str, Any]) -> None:
        """Let VALUES be wanted, here and in every process, also in those that come after them."""
        self.values |= values
        for one in self.kept:
            one.hang = self.values.get("up/hang_seconds", one.hang)
            one.large = self.values.get("up/log_bytes", one.large)
            one.set(values)
        if "jobs/workers" in values:
            self._staff(values["jobs/workers"])
        self._changed()

    def _staff(self, number: int) -> None:
        """Let NUMBER workers carry out jobs: new ones begin; those without a job leave first."""
        there = [one for one in self.kept if one.name.startswith("jobs-") and not one.stopping.is_set()]
        idle_first = sorted(there, key=lambda one: ("job" in one.facts, -there.index(one)))
        for one in idle_first[: max(0, len(there) - number)]:
            one.stop()
            self.keeping[one].add_done_callback(partial(self._gone, one))
        names = (f"jobs-{count}" for count in itertools.count(1))
        fresh = (name for name in names if name not in {one.name for one in self.kept})
        for _ in range(number - len(there)):
            self.kept.insert(-1, self._kept(next(fresh), {}))
            self._keep(self.kept[-2])

    def _gone(self, one: Kept, _: asyncio.Task[None]) -> None:
        if not self.over.is_set():
            self.kept.remove(one)
            del self.keeping[one]
            self._changed()


def free(port: int) -> int:
    """PORT of this machine, or any for 0: the number that a process which is started again gets again.

    Raises InputError when it is taken.
    """
    with bind("127.0.0.1", port) as bound:
        return int(bound.getsockname()[1])
