"""Who walks through all pages finds each whole or is told why not, whatever stands in them and under any path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from aimass.console.jobs.work import data_of
from aimass.core.errors import InputError
from aimass.store import tables as t
from aimass.store.jobs import Jobs
from tests.console import chores
from tests.console.browser.looked import OVER
from tests.console.browser.pages import KEPT, PLACES, ROUTES, failed, grown
from tests.console.browser.proxy import proxied
from tests.console.browser.watched import THEMES, Opening, Site, Watched, opening, session
from tests.runner.test_runners import task_of

SCRIPT = "<img src=x onerror=alert(1)>"
LONG = f"{SCRIPT}\u202e" + "x" * 200
WHOLE = "() => document.querySelectorAll('main h1').length === 1 && !document.querySelector('main .skeleton')"
ADMINS = {"archive", "users", "keys", "audit"}  # pages that are for nobody else
REFUSED = {"viewer": {"start", "new-run", *ADMINS}, "operator": ADMINS}


@pytest.fixture(scope="module")
def hostile(site: Site) -> Iterator[dict[str, str]]:
    """Names, lines and figures that are programs, or longer than any page; where they are seen."""
    catalog = site.workspace.catalog
    run = catalog.start_run(task_of(chores.wrong, {}, note=SCRIPT + "n" * 10_000))
    catalog.write(sa.update(t.run).where(t.run.c.id == int(run)).values(label=LONG))
    catalog.add_log(run, f"{SCRIPT}\u202e{SCRIPT}")
    for figure in (SCRIPT, "<b>loss</b>" + "y" * 100):
        catalog.add_metrics(run, [(figure, float(i), float(i)) for i in range(3)])
    catalog.end_run(run, "stopped")
    with pytest.raises(InputError, match="cannot be used"):
        site.workspace.run(task_of(chores.wrong, {}, note=SCRIPT))
    job = Jobs(catalog).ask("task", {}, label=LONG, who=SCRIPT)["id"]
    file = data_of(site.workspace) / f"{SCRIPT}.csv"  # put there by other ways: the console takes no such name
    file.write_text(f"{SCRIPT},b\n" + f"{SCRIPT},1\n" * 30)
    yield {
        **{f"run, {part}": f"/runs/{run}?tab={part}" for part in ("curves", "logs", "parameters", "artifacts")},
        "run that failed": f"/runs/{failed(site)}", "run again": f"/new-run?from={run}",
        "run, compared": f"/compare?runs={run},{grown(site)}", "run, chosen": f"/runs?picked={run}",
        "run, found": "/runs?text=onerror", "job": f"/jobs/{job}",
        "file": f"/files?file={SCRIPT}.csv", "file, rows": f"/files?file={SCRIPT}.csv&show=rows",
        "logs": "/logs?find=onerror",
    }  # fmt: skip
    Jobs(catalog).cancel(job)
    file.unlink()


def walk(watched: Watched, places: dict[str, str]) -> set[str]:
    """Through all PLACES, each of them in both themes; those that are for others.  Nothing may go wrong anywhere."""
    refused, wrong = set(), {}
    for number, (name, path) in enumerate(places.items()):
        watched.visit(path, "")
        watched.page.wait_for_function(WHOLE)
        watched.page.emulate_media(color_scheme=THEMES[number % 2])  # it was opened in the other one
        if watched.page.locator(".notice.forbidden").count():
            refused.add(name)
        try:
            watched.well()
            assert watched.page.title().endswith(" · AI Mass"), "it has no title"
            over = watched.page.evaluate(OVER)
            assert not over, f"it is wider than its place: {over}"
        except AssertionError as why:
            wrong[name] = str(why)
    assert not wrong, wrong
    return refused


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_everybody_finds_each_page_whole_or_is_told_why_not(opened: Opening, site: Site, role: str) -> None:
    watched = opened("dark", role=role)
    watched.open("/settings")
    watched.heading("Settings")
    assert walk(watched, {name: PLACES[name][0](site) for name in [*ROUTES, *KEPT]}) == REFUSED[role]


def test_under_a_path_of_two_parts_everything_works(chromium: Any, site: Site, hostile: dict[str, str]) -> None:
    from playwright.sync_api import expect

    session(chromium, site)  # at the root, so that its cookie is good for other tests, too
    with proxied(site.port, "/team/ml") as proxy, opening(chromium, replace(site, url=proxy.url)) as opened:
        watched = opened("dark")
        watched.open()
        watched.heading("Home")
        watched.page.get_by_role("button", name="Live figures: live").wait_for()  # the socket, too
        assert walk(watched, {name: PLACES[name][0](site) for name in [*ROUTES, *KEPT]} | hostile) == set()
        watched.visit(hostile["logs"])
        lines = watched.page.locator(".log li .text")
        expect(lines.filter(has_text=f"{SCRIPT}\u202e{SCRIPT}").first).to_be_in_viewport()
        assert all("onerror" in line for line in lines.all_inner_texts()), "others are there, too"
        watched.visit("/models/flights/2?tab=graph", "nodes")
        watched.page.frame_locator("iframe.netron").locator("#canvas g.node").first.wait_for()
        watched.page.reload()
        watched.heading("flights@2")
        watched.page.goto("about:blank")
