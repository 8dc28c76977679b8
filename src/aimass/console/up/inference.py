"""The body that answers with what is published: one server for all names of the workspace, also for later ones."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from aimass.console.beside import Answer, asked_at
from aimass.console.refusals import Refusal
from aimass.console.up.line import BEAT, Line
from aimass.console.up.plans import Kept
from aimass.core.errors import AimassError
from aimass.publish.registry import find_release
from aimass.runner.workspace import Workspace
from aimass.serve.access.door import Door
from aimass.serve.access.keys import key_from_json
from aimass.serve.listening import Listening
from aimass.serve.server import serve
from aimass.serve.versions.published import registry_of

LOOK = 2.0  # seconds between looks at what is published
PATIENCE = 600.0  # seconds for a version to prove itself and be loaded

Ask = Callable[..., Answer]


def serve_published(order: dict[str, Any], line: Line) -> None:
    """Answer with every published name of the workspace in ORDER until SIGTERM.

    A name is loaded by the server's own door, where a version proves itself in a process of its own: one that fails
    keeps no other from being served.
    """
    place, key = Workspace.reopen(order["url"]), order.get("key", "")
    door = Door(Path(order["keys"]), house=key_from_json(order["house"])) if key else Door()

    def listening(where: Listening) -> None:
        threading.Thread(target=_follow, args=(place, where, key, line), daemon=True).start()
        threading.Thread(target=_beat, args=(where.url, line), daemon=True).start()

    serve([], host=order["host"], port=order["port"], repository=registry_of(place), log_to=place.folder,
          door=door, ready=listening)  # fmt: skip


def _beat(url: str, line: Line) -> None:
    """Say that the server at URL answers, as long as it does."""
    pause = threading.Event()
    while True:
        try:
            if asked_at(url, "GET", "/v2/health/live", seconds=BEAT * 5).good:
                line.beat()
        except Refusal as error:  # stuck, or about to end
            print(error, file=sys.stderr, flush=True)
        pause.wait(BEAT)


def _follow(place: Workspace, where: Listening, key: str, line: Line) -> None:
    """Load what is published and not loaded yet, for ever; ready once that was tried with all there is."""
    served: set[str] = set()
    refused: dict[str, str] = {}
    ask: Ask = partial(asked_at, where.url, key=key)
    pause, told, plans = threading.Event(), False, Kept(place.folder, where.url, key)
    while True:
        try:
            for name in {str(row["name"]): 0 for row in place.versions()}:
                if name not in served:
                    _load(place, ask, name, served, refused, plans)
            plans.look()
        except AimassError as error:  # the catalog cannot be reached: it will be
            print(error, file=sys.stderr, flush=True)
        if not told:
            told = True
            restore(ask, line.values)
            line.ready(url=where.url)
        pause.wait(LOOK)


def _load(place: Workspace, ask: Ask, name: str, served: set[str], refused: dict[str, str], plans: Kept) -> None:
    """Serve NAME as it was served last, else by its champion; a version that was refused is not tried again.

    Versions after the first are switched by whoever publishes them: by share, on trial, or at once.
    """
    try:
        if name not in refused and plans.again(name):
            served.add(name)
            return
        version = f"{name}@{find_release(place, name)[1]}"
        if refused.get(name) == version:
            return
        answer = ask("POST", f"/v2/repository/models/{name}/load", {}, seconds=PATIENCE)
        why = None if answer.good else answer.why()
    except AimassError as error:
        version = why = error.what
    if why is None:
        served.add(name)
        print(f"{version} is served", flush=True)
    elif refused.get(name) != version:
        refused[name] = version
        print(f"{version} is not served: {why}", file=sys.stderr, flush=True)


def restore(ask: Ask, values: Mapping[str, Any]) -> None:
    """Let the server that is ASKed have those VALUES of parameters that it had before it was started anew.

    Names that it does not know (any more) are left out; what it refuses is said in its log.
    """
    known = {row["name"] for row in ask("GET", "/v1/parameters").json()["parameters"]}
    wanted = {name: value for name, value in values.items() if name in known}
    if wanted:
        answer = ask("PATCH", "/v1/parameters", wanted)
        if not answer.good:
            print(f"parameters are as at the start: {answer.why()}", file=sys.stderr, flush=True)
