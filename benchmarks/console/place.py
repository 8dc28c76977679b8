"""Where the goals are measured: a store of 5,000 runs, `aimass up` on it, and a Chromium that reaches nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from benchmarks.serving.scene import memory
from catalog import fill
from tests.console.browser.seeded import seeded, served
from tests.console.browser.watched import FLAGS, SETTINGS, Site, called_at, program, session
from tests.console.up.test_supervisor import there, up
from watching import SCRIPT

from aimass.console.logs.stamp import stamped
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.catalog import now

PATIENCE = 60_000  # milliseconds
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Size:
    """Of the store, and how often each thing is done."""

    runs: int = 5_000
    long: int = 100_000  # points of each of ten runs
    short: int = 200  # of each figure of the others
    lines: int = 100_000  # of a log
    times: int = 20
    breaks: int = 10  # of the line, of five seconds each
    rounds: int = 3  # over all pages
    points: int = 300  # that a trainer logs while one looks on
    tabs: int = 100
    seconds: float = 20.0  # of load


QUICK = Size(runs=200, long=2_000, short=20, lines=4_000, times=3, breaks=1, rounds=1, points=40, tabs=20, seconds=3.0)


@dataclass
class Place:
    """A console that people are signed in to."""

    size: Size
    site: Site
    chromium: Any
    folder: Path

    @property
    def pid(self) -> int:
        """Of the console's own process, not of those beside it."""
        found = there(self.site.workspace.folder).processes
        return int(next(one for one in found if one["name"] == "console")["pid"])

    def megabytes(self) -> float:
        return memory(self.pid, "Rss")

    def cpu(self) -> float:
        """Seconds of a core that the console has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @contextmanager
    def profile(self, at: str = "") -> Iterator[Any]:
        """A profile of a browser with nothing kept in it, but signed in: at the console itself, or AT a proxy to it."""
        with profile(self.chromium) as context:
            context.add_cookies(called_at(at or self.site.url, session(self.chromium, self.site)["cookies"]))
            yield context

    @contextmanager
    def page(self, path: str = "/") -> Iterator[Any]:
        with self.profile() as context:
            page = context.new_page()
            page.goto(f"{self.site.url}#{path}")
            yield page


@contextmanager
def profile(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, **SETTINGS)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(SCRIPT)
    yield context
    context.close()


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program(), args=FLAGS,
                                              ignore_default_args=["--headless=old"])  # fmt: skip
        yield chromium
        chromium.close()


@contextmanager
def place(size: Size, folder: Path) -> Iterator[Place]:
    """A store of SIZE with runs, releases, jobs and logs of every kind, in FOLDER; `aimass up` over it."""
    space = Workspace(folder / "space")
    points = fill(space.catalog, size.runs, size.long, size.short)
    speak(space, size.lines)
    seeded(space)
    served(space, folder / "made")
    print(f"a store of {size.runs} runs and {points} points", flush=True)
    with up(space.folder), browser() as chromium:
        here = Place(size, Site(there(space.folder).console, space), chromium, folder)
        session(chromium, here.site)  # the first admin, whose keys the tabs without a browser hold
        yield here


def speak(space: Workspace, lines: int) -> None:
    """So many LINES are said by a worker, in a file, and by run 11, in the catalog."""
    told = [f"step {i % 1000:04}: loss {1 / (1 + i):.6f}, number {i}" for i in range(lines)]
    folder = space.folder / "up"
    folder.mkdir()
    (folder / "jobs-9.log").write_text("".join(f"{stamped(line)}\n" for line in told))
    with space.catalog.writing() as link:
        link.execute(sa.insert(t.log), [{"run": 11, "time": now(), "text": line} for line in told])
