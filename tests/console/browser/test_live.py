"""What a run reports grows on the page by itself; a line that breaks loses nothing and doubles nothing."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from aimass.console.jobs.attempt import log_of
from aimass.core.errors import Stopped
from aimass.runner.workspace import Workspace
from aimass.store.jobs import Jobs
from tests.console import chores
from tests.console.browser.looked import clear_to_all
from tests.console.browser.proxy import proxied
from tests.console.browser.watched import Opening, Site, Watched
from tests.runner.test_runners import task_of

PATIENCE = 60.0  # seconds: beyond them a test has failed
RATE = 10  # points a second
BREAK = 5 * RATE  # points that a trainer reports while the line is cut
LONG = count(1_000_000)  # points, so many that no run ends by itself; no two runs are the same

SEEN = "(n) => Number(/(\\d+) point/.exec(document.querySelector('figure.chart .count')?.innerText)?.[1]) > n"
HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@contextmanager
def growing(site: Site, rate: int = RATE) -> Iterator[str]:
    """The number of a run that reports RATE points a second until it is asked to stop, which it is at the end."""
    place = Workspace.reopen(site.workspace.url)
    task = task_of(chores.grow, {}, points=next(LONG), pause=1 / rate)
    before = {row["id"] for row in place.runs()}

    def train() -> None:
        with suppress(Stopped):
            place.run(task)

    thread = threading.Thread(target=train)
    thread.start()
    run = until(lambda: next((row["id"] for row in site.workspace.runs() if row["id"] not in before), ""))
    try:
        yield run
    finally:
        site.workspace.catalog.stop_run(run)
        thread.join(PATIENCE)
        assert not thread.is_alive()


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def reported(site: Site, run: str, name: str = "loss") -> list[tuple[float, float]]:
    """What the catalog has."""
    return [(row["at"], row["value"]) for row in site.workspace.metrics(run, name)]


def drawn(watched: Watched, name: str = "loss", curve: str = "loss") -> list[tuple[float, float]]:
    """What the page has: the points of the CURVE in the chart NAME, as it saves them."""
    with watched.page.expect_download() as download:
        watched.page.get_by_role("button", name=f"Save {name} as CSV").click()
    rows = list(csv.reader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))[1:]
    return [(float(at), float(last)) for line, at, _, _, last in rows if line == curve]


def sees(page: Any, points: int) -> None:
    """Wait until PAGE has drawn more than so many POINTS."""
    page.wait_for_function(SEEN, arg=points)


def test_a_running_run_is_one_click_from_home_and_its_curve_grows(opened: Opening, site: Site) -> None:
    watched = opened()
    shown = heard(watched.page)
    watched.open()
    watched.heading("Home")
    with growing(site) as run:
        watched.click("link", "tests.console.chores:grow")
        sees(watched.page, 0)
        sees(watched.page, len(reported(site, run)) + RATE)  # nobody touches the page
        assert watched.clicks == 1
        watched.click("tab", "Machine")
        until(lambda: len(drawn(watched, "Memory", "this run")) >= 2)
        assert all(0 < gigabytes < 1000 for _, gigabytes in drawn(watched, "Memory", "this run"))
        watched.click("tab", "Curves")
        assert site.workspace.run_row(run)["state"] == "running"
        hidden = watched.page.context.new_page()
        unseen = heard(hidden)
        hidden.goto(f"{site.url}#/runs/{run}")
        sees(hidden, 0)
        hidden.evaluate(HIDE, True)

        def less_often() -> bool:
            """Whether the hidden one heard less while a second's points were told to the other."""
            shown.clear(), unseen.clear()
            sees(watched.page, len(reported(site, run)) + RATE)
            return 5 * len(unseen) < len(shown)

        until(less_often)
        hidden.evaluate(HIDE, False)
        sees(hidden, len(reported(site, run)))
    watched.page.get_by_text("stopped").first.wait_for()
    assert drawn(watched) == reported(site, run)


def test_a_line_cut_for_five_seconds_loses_nothing_and_doubles_nothing(opened: Opening, site: Site) -> None:
    with proxied(site.port) as proxy:
        watched = opened(at=proxy.url)
        page = watched.page
        with growing(site) as run:
            page.goto(f"{proxy.url}#/runs/{run}")
            sees(page, 5)
            proxy.cut()
            had = len(reported(site, run))
            page.get_by_role("button", name="Live figures: trying again").wait_for()
            page.get_by_text("No data for").wait_for()
            clear_to_all(watched, "state-stale")
            until(lambda: len(reported(site, run)) > had + BREAK)
            proxy.mend()
            sees(page, len(reported(site, run)))
        page.get_by_text("stopped").first.wait_for()
        assert drawn(watched) == reported(site, run)
        watched.forgive_cut()
        page.goto("about:blank")


def test_what_a_job_says_while_the_line_is_cut_is_read_once_by_who_comes_back(opened: Opening, site: Site) -> None:
    jobs = Jobs(site.workspace.catalog)
    job = jobs.ask("task", {}, label="talks", who="ada")["id"]
    log = log_of(site.workspace, job)
    log.parent.mkdir(parents=True)
    log.write_text("line 1\n")
    with proxied(site.port) as proxy:
        watched = opened(at=proxy.url)
        watched.page.goto(f"{proxy.url}#/jobs?job={job}")
        said = watched.page.get_by_label("Log of the job").locator("pre")
        said.get_by_text("line 1").wait_for()
        log.write_text("line 1\nline 2\n")
        said.get_by_text("line 2").wait_for()
        proxy.cut()
        watched.page.get_by_role("button", name="Live figures: trying again").wait_for()
        log.write_text("line 1\nline 2\nline 3\n")
        jobs.cancel(job)
        proxy.mend()
        said.get_by_text("line 3").wait_for()
        watched.page.get_by_role("row", name="talks").get_by_text("cancelled").wait_for()
        assert (
            said.inner_text().split("\n")[:3] == ["line 1", "line 2", "line 3"] and said.inner_text().count("line") == 3
        )
        watched.forgive_cut()
        watched.page.goto("about:blank")


def test_a_point_reaches_all_ten_tabs_of_a_browser(opened: Opening, site: Site) -> None:
    """Six connections are all that a browser opens to a host over HTTP/1.1; a socket does not count among them."""
    first = opened()
    tabs = [first.page, *(first.page.context.new_page() for _ in range(9))]
    with growing(site, rate=2) as run:
        for tab in tabs:
            tab.goto(f"{site.url}#/runs/{run}")
        for tab in tabs:
            sees(tab, 0)
        news = len(reported(site, run))
        for tab in tabs:
            sees(tab, news)
            assert tab.evaluate("() => fetch('api/v1/me').then(answer => answer.status)") == 200


def heard(tab: Any) -> list[str]:
    """What will come to TAB over its socket about a run."""
    told: list[str] = []
    tab.on("websocket", lambda socket: socket.on("framereceived", lambda said: '"run/' in said and told.append(said)))
    return told
