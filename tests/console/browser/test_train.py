"""Runs are started, cloned, compared, stopped and taken up again by a few clicks; what one wrote is never lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from aimass.store import tables as t
from aimass.store.catalog import now
from aimass.store.jobs import Jobs
from tests.console import chores
from tests.console.browser.looked import MARK, contrasts, findings, pixels
from tests.console.browser.pages import grown, several
from tests.console.browser.watched import THEMES, Opening, Site, Watched
from tests.runner.test_runners import task_of


def newest(site: Site) -> dict[str, Any]:
    return Jobs(site.workspace.catalog).rows(1)[0]


def test_a_run_is_cloned_with_one_change_by_four_clicks(opened: Opening, site: Site) -> None:
    watched, run = opened(), grown(site)
    watched.open("/")
    watched.heading("Home")
    watched.click("link", "Runs", exact=True)
    watched.click("link", run, exact=True)
    watched.click("link", "Clone")
    watched.heading(f"Run {run} again")
    field = watched.page.get_by_label("points", exact=False).first
    assert field.input_value() == "40"
    watched.page.get_by_text("did exactly this").wait_for()
    field.fill("x")
    watched.page.get_by_text("got 'x'").first.wait_for()
    assert watched.page.get_by_role("button", name="Start").is_disabled()
    assert findings(watched.page) == []
    field.fill("41")
    watched.page.get_by_text("Ready: it will make a report").wait_for()
    watched.page.get_by_role("button", name="Copy").wait_for()
    watched.page.reload()  # what was written is in the address
    watched.page.get_by_text("Ready: it will make a report").wait_for()
    watched.click("button", "Start")
    watched.page.wait_for_url("**#/jobs/*")
    assert newest(site)["work"]["settings"] == {"points": 41, "pause": 0.0}
    assert watched.clicks == 4
    Jobs(site.workspace.catalog).cancel(newest(site)["id"])


def test_a_run_with_defaults_is_started_by_three_clicks(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open("/")
    watched.heading("Home")
    watched.click("link", "New run", exact=True)
    watched.page.get_by_text("Ready: it will make a model").wait_for()
    watched.clicks += 1
    watched.page.get_by_role("group", name="examples").get_by_role("radio").first.click()
    watched.page.get_by_text("Ready: it will make a model").wait_for()
    watched.click("button", "Start train")
    watched.page.wait_for_url("**#/jobs/*")
    assert newest(site)["work"]["step"] == "train" and watched.clicks == 3
    Jobs(site.workspace.catalog).cancel(newest(site)["id"])


def test_three_runs_are_compared_by_five_clicks_and_the_table_is_saved(opened: Opening, site: Site) -> None:
    watched, runs = opened(), several(site)[:3]
    watched.open("/")
    watched.heading("Home")
    watched.click("link", "Runs", exact=True)
    for run in runs:
        watched.click("checkbox", f"Choose run {run}", exact=True)
    page = watched.page
    watched.click("link", "Compare", within=page.get_by_role("group", name="Chosen runs"))
    watched.heading("Compare")
    assert watched.clicks == 5
    row = page.get_by_role("row", name="points")
    row.wait_for()
    told = [json.loads(site.workspace.run_row(run)["task_json"])["settings"]["points"] for run in runs]
    assert {str(points) for points in told} <= set(row.inner_text().split())
    assert page.get_by_role("row", name="pause").count() == 0, "what is the same is folded"
    watched.click("button", "settings are the same")
    page.get_by_role("row", name="pause").wait_for()
    page.locator("figure.chart canvas").first.wait_for()
    with page.expect_download() as saved:
        page.get_by_title("Save the table as CSV").click()
    lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(runs) and "points" in lines[0] and "accuracy best" in lines[0]
    watched.click("button", f"Take run {runs[0]} out")
    page.get_by_text("2 runs", exact=True).wait_for()
    assert f"runs=,{runs[1]},{runs[2]}" in page.url, "the other keeps its colour"


def test_each_run_has_a_line_that_can_be_seen(tab: Watched, site: Site) -> None:
    tab.visit(f"/compare?runs={','.join(several(site))}&figures=loss")
    chart = tab.page.locator("figure.chart .plot canvas").first
    chart.wait_for()
    for theme in THEMES:
        tab.turn(theme)
        seen = pixels(chart.screenshot())[8:-50, 80:-12]
        marks = seen[contrasts(seen) >= MARK]
        strong = marks[np.ptp(marks.astype(int), axis=1) > 60]  # colourful ones
        hues = {tuple(pixel // 64) for pixel in strong}
        assert len(hues) >= 2, "two lines of different colours"


def test_the_log_of_a_run_is_filtered_by_how_bad_its_lines_are(tab: Watched, site: Site) -> None:
    run = grown(site)
    site.workspace.catalog.add_log(run, "ValueError: a row is too long")
    tab.visit(f"/runs/{run}?tab=logs", "begun at 0")
    log = tab.page.get_by_role("log")
    log.get_by_text("ValueError: a row is too long").wait_for()
    tab.page.get_by_label("Level").select_option("Errors")
    log.get_by_text("begun at 0").wait_for(state="detached")
    assert log.get_by_role("listitem").count() == 1 and "level=error" in tab.page.url


def test_a_long_log_is_there_with_its_last_lines_first_and_whole_in_the_end(opened: Opening, site: Site) -> None:
    catalog = site.workspace.catalog
    run = catalog.start_run(task_of(chores.grow, {}, points=9, pause=0.0), "finished")
    with catalog.writing() as link:
        said = [{"run": int(run), "time": now(), "text": f"line {i} of it"} for i in range(6000)]
        link.execute(sa.insert(t.log), said)
    watched = opened()
    asked: list[str] = []
    watched.page.on("request", lambda one: asked.append(one.url) if f"/runs/{run}/logs" in one.url else None)
    watched.open(f"/runs/{run}?tab=logs")
    log = watched.page.get_by_role("log")
    log.get_by_text("line 5999 of it").wait_for()
    watched.page.get_by_role("status").get_by_text("6,000 lines").wait_for()
    sizes = [one.partition("limit=")[2].partition("&")[0] for one in asked]
    assert sizes[0] == "500" and set(sizes) == {"500", "5000"}
    assert log.get_by_text("line 5999 of it").is_visible()
    first = catalog.rows(sa.select(sa.func.min(t.log.c.id).label("id")).where(t.log.c.run == int(run)))[0]["id"]
    other = opened()
    other.open(f"/runs/{run}?tab=logs&line={first + 3}")
    other.page.locator(".log li.marked").get_by_text("line 3 of it").wait_for()


def test_runs_are_stopped_and_go_on_from_the_list(opened: Opening, site: Site) -> None:
    catalog = site.workspace.catalog
    jobs = Jobs(catalog)
    tasks = [task_of(chores.grow, {}, points=points, pause=0.0) for points in (7, 8)]
    runs = [catalog.start_run(task) for task in tasks]
    watched = opened()
    watched.open(f"/runs?picked={','.join(runs)}")
    watched.click("button", "Stop 2")
    watched.page.get_by_text("Stop 2 runs?").wait_for()
    watched.click("button", "Stop 2 runs")
    watched.page.get_by_text("2 runs were asked to stop").wait_for()
    assert [catalog.run_row(run)["state"] for run in runs] == ["stopping"] * 2
    for run in runs:
        catalog.end_run(run, "stopped")
    watched.open(f"/runs?picked={','.join(runs)}&state=stopped")
    watched.click("button", "Resume 2")
    watched.page.get_by_text("2 runs go on as jobs").wait_for()
    asked = [row for row in jobs.rows(2) if row["state"] == "queued"]
    begun = sorted((row["work"] for row in asked), key=lambda work: int(work["settings"]["points"]))
    assert begun == [json.loads(task.to_json()) for task in tasks]
    for row in asked:
        jobs.cancel(row["id"])
