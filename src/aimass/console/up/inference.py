"""The body that answers with what is published: one server for all names of the workspace, also for later ones."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from aimass.console.beside import asked_at
from aimass.core.errors import AimassError
from aimass.publish.registry import find_release
from aimass.runner.workspace import Workspace
from aimass.serve.listening import Listening
from aimass.serve.server import serve
from aimass.serve.versions.published import registry_of

LOOK = 2.0  # seconds between looks at what is published
PATIENCE = 600.0  # seconds for a version to prove itself and be loaded


def serve_published(order: dict[str, Any], ready: Callable[..., None]) -> None:
    """Answer with every published name of the workspace in ORDER until SIGTERM.

    A name is loaded by the server's own door, where a version proves itself in a process of its own: one that fails
    keeps no other from being served.
    """
    place = Workspace.reopen(order["url"])

    def listening(where: Listening) -> None:
        threading.Thread(target=_follow, args=(place, where, ready), daemon=True).start()

    serve([], host=order["host"], port=order["port"], repository=registry_of(place), log_to=place.folder,
          ready=listening)  # fmt: skip


def _follow(place: Workspace, where: Listening, ready: Callable[..., None]) -> None:
    """Load what is published and not loaded yet, for ever; READY once that was tried with all there is."""
    served: set[str] = set()
    refused: dict[str, str] = {}
    pause, told = threading.Event(), False
    while True:
        try:
            for name in {str(row["name"]): 0 for row in place.versions()}:
                if name not in served:
                    _load(place, where, name, served, refused)
        except AimassError as error:  # the catalog cannot be reached: it will be
            print(error, file=sys.stderr, flush=True)
        if not told:
            told = True
            ready(url=where.url)
        pause.wait(LOOK)


def _load(place: Workspace, where: Listening, name: str, served: set[str], refused: dict[str, str]) -> None:
    """Load the version of NAME that should have its requests; a version that was refused is not tried again.

    Versions after the first are switched by whoever publishes them: by share, on trial, or at once.
    """
    try:
        version = f"{name}@{find_release(place, name)[1]}"
        if refused.get(name) == version:
            return
        answer = asked_at(where.url, "POST", f"/v2/repository/models/{name}/load", {}, seconds=PATIENCE)
        why = None if answer.good else answer.why()
    except AimassError as error:
        version = why = error.what
    if why is None:
        served.add(name)
        print(f"{version} is served", flush=True)
    elif refused.get(name) != version:
        refused[name] = version
        print(f"{version} is not served: {why}", file=sys.stderr, flush=True)
