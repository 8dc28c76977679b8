"""Models in a real browser: an alias moved and taken back, the graph drawn by Netron, candidates that can be seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aimass.console.access import audit
from aimass.console.graph import netron
from aimass.store.jobs import Jobs
from tests.console.browser.looked import clear_to_all
from tests.console.browser.pages import ledgers
from tests.console.browser.watched import Opening, Site, Watched


def pointed(site: Site) -> str:
    return site.workspace.resolve("flights@champion")


def test_an_alias_is_moved_in_five_clicks_and_taken_back_in_one(opened: Opening, site: Site) -> None:
    one, two = (site.workspace.resolve(f"flights@{number}") for number in (1, 2))
    watched = opened()
    page = watched.page
    watched.open()
    watched.heading("Home")
    watched.click("link", "Registry", exact=True)
    watched.click("link", "flights", exact=True)
    watched.heading("flights@2")
    watched.click("link", "@1", exact=True)
    watched.heading("flights@1")
    watched.click("button", "Move alias here")
    page.get_by_role("row", name="roc_auc").get_by_text("−0.0168").wait_for()  # the effect, before the deed
    page.get_by_label("Why").fill("it is quicker")
    clear_to_all(watched, "an alias moves", kept=False, within="dialog")
    watched.click("button", "Move from @2 to @1")
    page.get_by_text("flights@champion is version 1 now").wait_for()
    clear_to_all(watched, "what was done, with undo", kept=False, within=".toasts")
    assert pointed(site) == one and watched.clicks == 5
    watched.click("button", "Undo")
    page.get_by_text("flights@champion is version 2 again").wait_for()
    assert pointed(site) == two
    told = [(entry["before"]["version"], entry["after"]["version"], entry["after"]["why"]) for entry in
            audit.entries(site.workspace.catalog, what="models.alias", limit=2)]  # fmt: skip
    assert told == [(1, 2, "undone"), (2, 1, "it is quicker")]


def test_the_graph_is_drawn_here_a_year_from_now(opened: Opening, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    later = datetime.now(UTC) + timedelta(days=366)
    monkeypatch.setattr(netron, "today", lambda: later.date().isoformat())
    watched = opened()
    watched.page.clock.set_fixed_time(later)
    watched.open("/models/flights/2?tab=graph")
    frame = watched.page.frame_locator("iframe.netron")
    frame.locator("#canvas g.node").first.wait_for()
    assert frame.locator("#canvas g.node").count() >= 6
    assert frame.get_by_text("MatMul", exact=True).count() == 3
    watched.page.goto("about:blank")  # nothing was asked of others: `opened` looks


def test_the_pick_of_a_ledger_is_published_in_four_clicks(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open()
    watched.heading("Home")
    watched.click("link", "Ledgers", exact=True)
    picked = ledgers(site)[1]
    watched.click("link", "", within=watched.page.locator(f'th:has([href="#/ledgers/{picked}"])'))
    watched.click("button", "Publish pick")
    dialog = watched.page.get_by_role("dialog", name="Publish pick")
    assert dialog.get_by_label("Name").input_value() == "flights", "it was published as that before"
    clear_to_all(watched, "publish pick", kept=False, within="dialog")
    watched.click("button", "Publish", within=dialog)
    watched.page.wait_for_url("**#/jobs?job=*")
    [job] = Jobs(site.workspace.catalog).rows(1)
    assert (job["work"]["step"], job["work"]["settings"]["name"]) == ("publish", "flights") and watched.clicks == 4
    Jobs(site.workspace.catalog).cancel(job["id"])


def test_a_graph_of_thousands_of_nodes_is_summed_up_and_stops_no_tab(tab: Watched, site: Site) -> None:
    tab.visit("/models/deep/1?tab=graph", "By part of the graph")
    tab.page.get_by_role("region", name="By part of the graph").get_by_text("layer30").wait_for()
    tab.click("button", "Drawn")
    tab.page.get_by_text("Beyond some 3,000 nodes").wait_for()
    assert tab.page.locator("iframe").count() == 0
    tab.well()
