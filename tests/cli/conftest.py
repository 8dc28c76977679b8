"""Commands at a console and in its folder.  What is in it is `space`, which each file of tests makes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.console.browser.conftest import serving

from aimass.cli.main import main
from aimass.console.access import keys, users
from aimass.console.access.grants import over_all
from aimass.console.app import create_app
from aimass.console.jobs.worker import Worker
from aimass.runner.workspace import Workspace

Say = Callable[..., tuple[int, str, str]]


@contextmanager
def answering(app: Any) -> Iterator[str]:
    """Where APP answers meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server, thread = serving(app, bound)
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def url(space: Workspace) -> Iterator[str]:
    with answering(create_app(space.url)) as found:
        yield found


def key_of(space: Workspace, role: str) -> str:
    fresh = not users.any_there(space.catalog)
    with space.catalog.writing() as link:
        if fresh:
            users.add(link, "ada", "scrypt$", over_all("admin"))
        return keys.add(link, "cli", over_all(role), "ada")[1]


@pytest.fixture
def worker(space: Workspace) -> Iterator[Worker]:
    """Carries out what is asked for."""
    found = Worker(space)
    thread = threading.Thread(target=found.run, daemon=True)
    thread.start()
    yield found
    found.leave()
    thread.join(20)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Say:
    def say(*words: str | Path) -> tuple[int, str, str]:
        try:
            main([*map(str, words)])
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return say


@pytest.fixture
def here(space: Workspace, said: Say) -> Say:
    """In the folder."""
    return lambda *words: said("-w", str(space.folder), *words)


@pytest.fixture
def there(space: Workspace, url: str, said: Say, monkeypatch: pytest.MonkeyPatch) -> Say:
    """At the console, by the environment."""
    monkeypatch.setenv("AIMASS_URL", f"{url}/")
    monkeypatch.setenv("AIMASS_KEY", key_of(space, "admin"))
    return said
