"""A real browser at a real console of a workspace with real runs; nothing outside this machine is ever reached.

Chromium is the distribution's.  Where there is none the tests fail if CI demands them, and are skipped else, loudly.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn

from aimass.console.access.links import first_link
from aimass.console.app import create_app
from aimass.console.beside import asked_at
from aimass.console.endpoints.ring import Ring
from aimass.console.jobs.work import data_of
from aimass.console.jobs.worker import Worker
from aimass.console.pages import BUILT
from aimass.core.errors import InputError
from aimass.runner.machine.stretch import Reading, figures
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.catalog import Catalog
from aimass.store.figures import keep
from tests.console import chores, flights, published
from tests.console.endpoints.beside import beside
from tests.console.endpoints.models import PEOPLE, clothes, customers, publish, reviews
from tests.runner.test_runners import task_of
from tests.whole import tiny

NAME, PASSWORD = "ada", "correct horse battery"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--mute-audio",
    "--force-color-profile=srgb", "--font-render-hinting=none",
]  # fmt: skip
PATIENCE = 20_000  # milliseconds
THEMES = ("light", "dark")
SETTINGS = {"reduced_motion": "reduce", "locale": "en-GB", "timezone_id": "UTC"}


def lacking(what: str) -> None:
    """WHAT the tests need is not there."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(f"NOT TESTED IN A BROWSER: {what}")


def program() -> str | None:
    """Where Chromium is, if it is."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One Chromium for a file of tests: until it ends Playwright's event loop runs in this thread, where tests of other
    files have their own."""
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


@dataclass
class Site:
    """A console that answers at URL, of WORKSPACE."""

    url: str
    workspace: Workspace
    server: uvicorn.Server | None = None
    session: dict[str, Any] = field(default_factory=dict)  # cookies of who is signed in

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].strip("/"))


def serving(app: Any, bound: socket.socket) -> tuple[uvicorn.Server, threading.Thread]:
    """APP, answering at BOUND."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    return server, thread


def seeded(workspace: Workspace) -> None:
    """Runs of every kind and releases, made by the workspace's own ways."""
    published.registry(workspace)
    grows = replace(task_of(chores.grow, {}, points=40, pause=0.0), label="flights, small network")
    workspace.run(grows)
    worked(workspace.catalog, int(workspace.runs()[0]["id"]))
    workspace.run(grows)  # reused
    for note in ("<img src=x onerror=alert(1)>", "a row without a target"):
        with pytest.raises(InputError, match="cannot be used"):
            workspace.run(replace(task_of(chores.wrong, {}, note=note), label="flights, from yesterday"))
    folder = workspace.folder.parent / "incoming"
    folder.mkdir()
    flights.cleaned(workspace, flights.collected(workspace, folder))
    data_of(workspace).mkdir()
    (data_of(workspace) / "customers.csv").write_text("\n".join([tiny.HEADER, *tiny.lines(300)]) + "\n")
    worker = Worker(workspace)
    carried(workspace, worker)
    for name in ("flights", "reviews", "customers"):
        work = json.loads(task_of(chores.grow, {}, points=5, pause=0.0).to_json())
        worker.jobs.ask("task", work, label=name, who=NAME)
    done = worker.jobs.claim(worker.holder)
    assert done is not None
    worker.see_through(done)
    worker.jobs.cancel(worker.jobs.rows()[0]["id"])


def reading(age: float) -> Reading:
    """Of four cores, at an AGE from 0 to 1: a run that loads its rows, then computes, and saves at times."""
    work, save = min(1.0, 4 * age), float(age * 10 % 1 > 0.85)
    wave = math.sin(60 * age) + math.sin(143 * age)
    return {
        "host": "here", "cores": 4, "cpu": 0.6 + 2.4 * work + 0.08 * wave - save, "busy": 0.9 + 2.5 * work + 0.1 * wave,
        "memory": int(3e8 + 1.6e9 * work + 9e7 * (age * 10 % 1)), "used": int(4e9 + 1.8e9 * work + 1e7 * wave),
        "read": 9e7 * (1 - work) + 1e6, "written": 4e7 * save, "gpus": {},
    }  # fmt: skip


def worked(catalog: Catalog, run: int, minutes: int = 5) -> None:
    """What a machine did in the MINUTES before now, as the sampler tells it, of RUN."""
    began = time.time() - 60 * minutes
    points = [
        {"run": run, "name": name, "at": None, "value": value, "time": began + 2 * step}
        for step in range(30 * minutes)
        for name, value in figures([reading(step / (30 * minutes))]).items()
    ]
    with catalog.writing() as link:
        link.execute(sa.insert(t.metric), points)
        keep(link, points)


def served(workspace: Workspace, scratch: Path) -> None:
    """Releases of a table, a text and pictures, some of them in several versions."""
    for number in (1, 2, 3):
        publish(workspace, customers(scratch / f"customers-{number}", tilt=(number - 1) / 4), "customers")
    for number in (1, 2):
        publish(workspace, reviews(scratch / f"reviews-{number}", less=0.4 / number), "reviews")
    publish(workspace, clothes(scratch / "clothes"), "clothes")


def carried(workspace: Workspace, worker: Worker) -> None:
    """A project as an archive, and one that came in with budgets, of which one does not hold on this machine."""
    workspace.alias(workspace.runs()[-1]["output"], "flights/run")
    work = {"project": "flights", "file": "flights-2026-01-02.aimass.zip"}
    worker.jobs.ask("export", work, label="flights", who=NAME)
    done = worker.jobs.claim(worker.holder)
    assert done is not None
    worker.see_through(done)
    figures = {
        "roc_auc": (0.8, 0.861, 0.861, ""),
        "p99": (5.0, 3.214, 6.172, "ms"),
        "size": (1.0, 0.4217, 0.4217, "MB"),
    }
    lines = [
        {"budget": name, "what": name, "asked": asked, "unit": unit,
         "there": {"measured": there, "interval": [there * 0.97, there * 1.04], "met": True},
         "here": {"measured": here, "interval": [here * 0.96, here * 1.05], "met": name != "p99"}}
        for name, (asked, there, here, unit) in figures.items()
    ]  # fmt: skip
    releases = [{"release": "churn@2", "holds": False, "why": "p99 upper bound 6.48 ms > 5 ms", "budgets": lines},
                {"release": "churn@1", "holds": None, "why": "no budget was set", "budgets": []}]  # fmt: skip
    job = worker.jobs.ask("import", {"file": "data:churn.aimass.zip"}, label="churn", who=NAME)["id"]
    assert worker.jobs.claim("a worker") is not None
    worker.jobs.end(job, "a worker", "finished", outcome={"releases": releases})


def busy(ring: Ring, url: str, minutes: int = 15) -> None:
    """A canary, and the MINUTES before now, in which a RING has seen real requests come to the server at URL."""
    assert asked_at(url, "POST", "/v1/deployments/customers/canary", {"version": "3", "share": 0.2}).good
    begun = time.time() - 60 * minutes
    for step in range(4 * minutes):
        ring.clock = lambda at=begun + 15 * step: at  # type: ignore[misc]
        ring.look()
        for times, name, rows in ((2 + step % 3, "customers", PEOPLE), (step % 2, "clothes", [{}])):
            for _ in range(times):
                asked_at(url, "POST", f"/v1/predict/{name}", {"records": rows})
    ring.clock = time.time


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console of a workspace with finished, reused and failed runs."""
    workspace = Workspace(tmp_path_factory.mktemp("browser") / "space")
    seeded(workspace)
    served(workspace, tmp_path_factory.mktemp("made"))
    loaded = {"customers": "2", "reviews": "1", "clothes": "1"}
    with beside(workspace, loaded) as url, socket.create_server(("127.0.0.1", 0)) as bound:
        app = create_app(str(workspace.folder))
        busy(app.state.place.ring, url)
        server, thread = serving(app, bound)
        yield Site(f"http://127.0.0.1:{bound.getsockname()[1]}/", workspace, server)
        server.should_exit = True
        thread.join(20)


@dataclass
class Watched:
    """A page of a browser, with all that went wrong in it and how often it was clicked."""

    page: Any
    site: Site
    outside: list[str] = field(default_factory=list)  # what it asked of other hosts
    complaints: list[str] = field(default_factory=list)  # errors on its console, and exceptions
    clicks: int = 0

    def open(self, path: str = "/") -> None:
        """Go to the page at PATH of the console."""
        self.page.goto(f"{self.site.url}#{path}")

    def click(self, role: str, name: str, **more: Any) -> None:
        """As a person does: one click on what has this ROLE and NAME."""
        self.clicks += 1
        self.page.get_by_role(role, name=name, **more).click()

    def heading(self, name: str) -> None:
        """Wait for the heading NAME."""
        from playwright.sync_api import TimeoutError as Late

        try:
            self.page.get_by_role("heading", name=name, level=1).wait_for(timeout=PATIENCE)
        except Late:
            shown = self.page.inner_text("body")[:1000]
            raise AssertionError(f"no heading {name} at {self.page.url}, but: {shown}") from None

    def well(self) -> None:
        """Nothing went wrong and nobody outside was asked."""
        assert not self.outside, self.outside
        assert not self.complaints, self.complaints


Opening = Callable[..., Watched]


@pytest.fixture
def opened(chromium: Any, site: Site) -> Iterator[Opening]:
    """Opens a page in a fresh profile; at the end nothing may have gone wrong in any of them."""
    with opening(chromium, site) as fresh:
        yield fresh


@contextmanager
def opening(chromium: Any, site: Site) -> Iterator[Opening]:
    """What `opened` is, at any SITE."""
    contexts: list[Any] = []
    pages: list[Watched] = []

    def fresh(theme: str = "light", *, signed_in: bool = True, **more: Any) -> Watched:
        settings = {"color_scheme": theme, "viewport": {"width": 1280, "height": 800}, **SETTINGS, **more}
        context = chromium.new_context(**settings)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if signed_in:
            context.add_cookies(cookies(chromium, site))
        watched = Watched(context.new_page(), site)
        context.route("**/*", lambda route: _guard(route, watched))
        watched.page.on("console", lambda said: _hear(said, watched))
        watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        pages.append(watched)
        return watched

    yield fresh
    for watched in pages:
        watched.well()
    for context in contexts:
        context.close()


def _guard(route: Any, watched: Watched) -> None:
    """Let pass what goes to this machine; refuse and note all else."""
    host = route.request.url.split("/")[2].split(":")[0]
    if host == "127.0.0.1":
        route.continue_()
    else:
        watched.outside.append(route.request.url)
        route.abort()


def _hear(said: Any, watched: Watched) -> None:
    """Errors are complaints, except that nobody is signed in yet: that is an answer."""
    if said.type in ("error", "warning") and "401" not in said.text:
        watched.complaints.append(said.text)


def cookies(chromium: Any, site: Site) -> list[dict[str, Any]]:
    """Of the first user, who signs in once for all tests, with the link of the first start."""
    if not site.session:
        token = first_link(str(site.workspace.folder))
        context = chromium.new_context()
        body = {"token": token, "name": NAME, "password": PASSWORD}
        headers = {"origin": site.url.rstrip("/")}
        done = context.request.post(f"{site.url}api/v1/session/link", data=body, headers=headers)
        assert done.ok, done.text()
        site.session["cookies"] = context.cookies()
        context.close()
    found: list[dict[str, Any]] = site.session["cookies"]
    return found
