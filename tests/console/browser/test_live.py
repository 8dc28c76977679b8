"""What a run reports grows on the page by itself; a line that breaks loses nothing and doubles nothing."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimass.console.jobs.attempt import log_of
from aimass.runner.workspace import Workspace
from aimass.store.jobs import Jobs
from tests.console import chores
from tests.console.browser.conftest import Opening, Site, Watched
from tests.console.browser.proxy import proxied
from tests.runner.test_runners import task_of

PATIENCE = 60.0  # seconds: beyond them a test has failed


@contextmanager
def growing(site: Site, points: int, pause: float) -> Iterator[str]:
    """The number of a run that reports so many POINTS, one each PAUSE seconds; it has ended afterwards."""
    place = Workspace.reopen(site.workspace.url)
    before = {row["id"] for row in place.runs()}
    thread = threading.Thread(target=lambda: place.run(task_of(chores.grow, {}, points=points, pause=pause)))
    thread.start()
    try:
        yield until(lambda: next((row["id"] for row in site.workspace.runs() if row["id"] not in before), ""))
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def until(true):  # type: ignore[no-untyped-def]
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def reported(site: Site, run: str, name: str = "loss") -> list[tuple[float, float]]:
    """What the catalog has."""
    return [(row["at"], row["value"]) for row in site.workspace.metrics(run, name)]


def drawn(watched: Watched, name: str = "loss", curve: str = "loss") -> list[tuple[float, float]]:
    """What the page has: the points of the CURVE in the chart NAME, as it saves them; none while it saves none."""
    from playwright.sync_api import TimeoutError as Late

    try:
        with watched.page.expect_download(timeout=1_500) as download:
            watched.page.get_by_role("button", name=f"Save {name} as CSV").click()
    except Late:
        return []
    rows = list(csv.reader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))[1:]
    return [(float(at), float(last)) for line, at, _, _, last in rows if line == curve]


def test_a_running_run_is_one_click_from_home_and_its_curve_grows(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open()
    watched.heading("Home")
    with growing(site, 120, 0.1) as run:
        watched.click("link", "tests.console.chores:grow")
        watched.page.locator("figure.chart canvas").first.wait_for()
        assert watched.clicks == 1
        first = len(drawn(watched))
        until(lambda: len(drawn(watched)) > first + 10)  # nobody touches the page
        watched.click("tab", "Machine")
        until(lambda: len(drawn(watched, "Memory", "this run")) >= 2)
        assert all(0 < gigabytes < 1000 for _, gigabytes in drawn(watched, "Memory", "this run"))
        watched.click("tab", "Curves")
        assert site.workspace.run_row(run)["state"] == "running"
    watched.page.get_by_text("finished").first.wait_for()
    until(lambda: drawn(watched) == reported(site, run))
    assert len(reported(site, run)) == 120


def test_a_line_cut_for_five_seconds_loses_nothing_and_doubles_nothing(opened: Opening, site: Site) -> None:
    with proxied(site.port) as proxy, growing(site, 121, 0.1) as run:
        watched = opened()
        watched.page.goto(f"{proxy.url}#/runs/{run}")
        watched.page.locator("figure.chart canvas").first.wait_for()
        until(lambda: len(drawn(watched)) > 5)
        proxy.cut()
        watched.page.get_by_role("button", name="Live figures: trying again").wait_for()
        time.sleep(5)
        proxy.mend()
        mended = time.monotonic()
        watched.page.get_by_role("button", name="Live figures: live").wait_for()
        until(lambda: len(drawn(watched)) >= len(reported(site, run)) - 12)
        assert time.monotonic() - mended < PATIENCE
        until(lambda: site.workspace.run_row(run)["state"] == "finished")
        until(lambda: drawn(watched) == reported(site, run))
        watched.complaints = [said for said in watched.complaints if "net::ERR" not in said]  # of the cut itself
        watched.page.goto("about:blank")
    assert [at for at, _ in reported(site, run)] == [float(at) for at in range(121)]


def test_what_a_job_says_while_the_line_is_cut_is_read_once_by_who_comes_back(opened: Opening, site: Site) -> None:
    jobs = Jobs(site.workspace.catalog)
    job = jobs.ask("task", {}, label="talks", who="ada")["id"]
    log = log_of(site.workspace, job)
    log.parent.mkdir(parents=True)
    log.write_text("line 1\n")
    with proxied(site.port) as proxy:
        watched = opened()
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
        watched.complaints = [said for said in watched.complaints if "net::ERR" not in said]  # of the cut itself
        watched.page.goto("about:blank")


def test_ten_tabs_of_one_browser_are_all_live(opened: Opening, site: Site) -> None:
    """Six connections are all that a browser opens to a host over HTTP/1.1; a socket does not count among them."""
    first = opened()
    first.open("/runs")
    tabs = [first.page, *(first.page.context.new_page() for _ in range(9))]
    for tab in tabs:
        tab.goto(f"{site.url}#/runs")
    for tab in tabs:
        tab.get_by_role("button", name="Live figures: live").wait_for()
        assert tab.evaluate("() => fetch('api/v1/me').then(answer => answer.status)") == 200
