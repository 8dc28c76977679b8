"""Models in a real browser: an alias moved and taken back, the graph drawn by Netron, candidates that can be seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aimass.console.access import audit
from aimass.console.graph import netron
from tests.console.browser.conftest import THEMES, Opening, Site
from tests.console.browser.looked import MARK, TEXT, contrasts, pixels
from tests.console.browser.test_pages import ledgers


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
    watched.click("button", "Move from @2 to @1")
    page.get_by_text("flights@champion is version 1 now").wait_for()
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


@pytest.mark.parametrize("theme", THEMES)
def test_candidates_budgets_and_words_can_be_seen(opened: Opening, site: Site, theme: str) -> None:
    watched = opened(theme)
    watched.open(f"/ledgers/{ledgers(site)[1]}")
    drawn: Any = watched.page.locator(".scatter svg")
    drawn.get_by_text("mlp", exact=True).wait_for()
    seen = contrasts(pixels(drawn.screenshot()))
    assert (seen[-40:] >= TEXT).sum() > 60, "the labels of the axis cannot be read"
    assert (seen[20:-50, 70:] >= MARK).sum() > 400, "marks, intervals and budgets cannot be seen"
    assert drawn.locator("circle").count() == 4 and drawn.locator(".limits line").count() == 1
