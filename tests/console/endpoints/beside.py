"""The server of predictions of a workspace, in this process; versions need not prove themselves in one of their own."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aimass.console.alive import started
from aimass.console.beside import asked_at
from aimass.console.up import state
from aimass.runner.workspace import Workspace
from aimass.serve.app import App
from aimass.serve.listening import Listening, where_of
from aimass.serve.predictor import Wanted
from aimass.serve.server import Server
from aimass.serve.versions.published import registry_of
from aimass.store.catalog import now

PATIENCE = 60.0  # seconds: beyond them a test has failed


async def trusted(wanted: Wanted) -> None:
    """A version that need not prove itself."""


@contextmanager
def beside(space: Workspace, load: dict[str, str]) -> Iterator[str]:
    """A server of SPACE, known as `aimass up` makes it known, with versions to LOAD by name; its URL."""
    ready, loops = threading.Event(), list[asyncio.AbstractEventLoop]()

    def told(where: Listening) -> None:
        loops.append(asyncio.get_running_loop())
        ready.set()

    with socket.create_server(("127.0.0.1", 0)) as bound:
        app = App([], repository=registry_of(space), prove=trusted)
        where = where_of(bound, "http", "127.0.0.1", "no model yet")
        server = Server(app, [bound], where, told)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        assert ready.wait(PATIENCE)
        for name, version in load.items():
            done = asked_at(where.url, "POST", f"/v1/deployments/{name}/serve", {"version": version}, seconds=PATIENCE)
            assert done.good, done.why()
        kept = [{"name": "inference", "state": "ready", "since": now(), "settled": True, "restarts": 0}]
        pid = os.getpid()
        state.write(space.folder, state.State(pid, started(pid), now(), inference=where.url, processes=kept))
        try:
            yield where.url
        finally:
            state.remove(space.folder)
            loops[0].call_soon_threadsafe(server.stop)
            thread.join(PATIENCE)
            app.close()
