"""A real browser at a real console of a workspace with real runs; nothing outside this machine is ever reached.

Chromium is the distribution's.  Where there is none the tests fail if CI demands them, and are skipped else, loudly.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from aimass.console.app import create_app
from aimass.console.pages import BUILT
from aimass.runner.workspace import Workspace
from tests.console.browser.seeded import busy, seeded, served
from tests.console.browser.watched import FLAGS, Opening, Site, Watched, opening, program
from tests.console.endpoints.beside import beside


def lacking(what: str) -> None:
    """WHAT the tests need is not there."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(f"NOT TESTED IN A BROWSER: {what}")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """One Chromium for all these tests: until it ends Playwright's event loop runs in this thread, where tests of other
    folders have their own."""
    found = program()
    if found is None:
        lacking("no Chromium is installed: apt-get install chromium")
    if not (BUILT / "index.html").is_file():
        lacking("the console was not built: pip install -e .")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS, ignore_default_args=["--headless=old"])
        yield browser
        browser.close()


def serving(app: Any, bound: socket.socket) -> tuple[uvicorn.Server, threading.Thread]:
    """APP, answering at BOUND."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    return server, thread


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console of a workspace with finished, reused and failed runs, and of models that are served."""
    workspace = Workspace(tmp_path_factory.mktemp("browser") / "space")
    seeded(workspace)
    served(workspace, tmp_path_factory.mktemp("made"))
    loaded = {"customers": "2", "reviews": "1", "clothes": "1"}
    with beside(workspace, loaded) as url, socket.create_server(("127.0.0.1", 0)) as bound:
        app = create_app(str(workspace.folder))
        busy(app.state.place.ring, url)
        server, thread = serving(app, bound)
        yield Site(f"http://127.0.0.1:{bound.getsockname()[1]}/", workspace, server, app.state.place.ring)
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def opened(chromium: Any, site: Site) -> Iterator[Opening]:
    """Opens a tab in a fresh profile; at the end nothing may have gone wrong in any of them."""
    with opening(chromium, site) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def tab(chromium: Any, site: Site) -> Iterator[Watched]:
    """One tab for a file of tests, that goes from page to page as a person's does: the console is loaded once."""
    with opening(chromium, site) as fresh:
        watched = fresh()
        watched.open("/settings")
        watched.heading("Settings")
        yield watched
