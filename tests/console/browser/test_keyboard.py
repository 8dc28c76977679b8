"""Journeys without a mouse: where one is can be seen, and a dialog gives the place back."""

from __future__ import annotations

from typing import Any

from aimass.store.jobs import Jobs
from tests.console.browser.pages import grown
from tests.console.browser.seeded import failing
from tests.console.browser.test_endpoints import shares
from tests.console.browser.test_live import until
from tests.console.browser.watched import NAME, PASSWORD, Opening, Site, Watched, session

MOST = 60  # steps of the Tab key from one end of a page to the other

FOCUS = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  if (at === document.body) return {name: '', seen: true}; // between the page and the browser's own places
  const name = (at.getAttribute('aria-label') || at.labels?.[0]?.innerText || at.innerText || '').trim();
  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  return {name, seen: outlined || style.boxShadow !== 'none'};
}"""


def tab_to(watched: Watched, name: str) -> dict[str, Any]:
    """Press Tab until what has the focus is called so; each place on the way can be seen."""
    for _ in range(MOST):
        watched.page.keyboard.press("Tab")
        at = watched.page.evaluate(FOCUS)
        if at["name"]:
            assert at["seen"], f"the focus cannot be seen at {at['name']}"
        if at["name"].startswith(name):
            return dict(at)
    raise AssertionError(f"the Tab key does not reach {name}")


def test_one_signs_in_and_opens_a_run_by_keys_alone(opened: Opening, site: Site, chromium: Any) -> None:
    session(chromium, site)  # there is a user
    watched = opened(signed_in=False)
    watched.open()
    watched.heading("Sign in")
    keys = watched.page.keyboard
    assert watched.page.evaluate(FOCUS)["name"].startswith("Name")  # one may begin to write
    keys.type(NAME)
    tab_to(watched, "Password")
    keys.type(PASSWORD)
    keys.press("Enter")
    watched.heading("Home")
    tab_to(watched, "Runs")
    keys.press("Enter")
    watched.heading("Runs")
    tab_to(watched, "flights, small network")
    keys.press("Enter")
    watched.heading("flights, small network")
    assert watched.clicks == 0


def test_the_palette_opens_by_keys_and_gives_the_place_back(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open(f"/runs/{grown(site)}")
    watched.heading("flights, small network")
    before = tab_to(watched, "Runs")
    watched.page.keyboard.press("Control+k")
    dialog = watched.page.get_by_role("dialog")
    dialog.wait_for()
    watched.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert watched.page.evaluate(FOCUS)["name"] == before["name"]


def test_anything_is_found_by_its_name_in_the_palette(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open("/help")
    watched.heading("Help")
    keys, options = watched.page.keyboard, watched.page.get_by_role("option")
    chosen = watched.page.locator("[role=option][aria-selected=true]")
    keys.press("Control+k")
    keys.type("flights")
    for found in ("flights@2", "flights/clean", "flights/flights", "flights, small network", "Job", "Ledger"):
        options.filter(has_text=found).first.wait_for()
    for _ in range(options.count()):
        if "source" in chosen.inner_text():
            break
        before = chosen.get_attribute("id")
        keys.press("ArrowDown")
        watched.page.locator(f"[aria-selected=true]:not(#{before})").wait_for()
    keys.press("Enter")
    watched.heading("flights/flights")
    assert watched.clicks == 0


def test_a_chart_is_read_and_zoomed_by_keys_alone(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open(f"/runs/{grown(site)}")
    watched.heading("flights, small network")
    tab_to(watched, "loss: left and right read it")
    keys, chart = watched.page.keyboard, watched.page.locator("figure.chart:focus-within")
    told, everything = chart.get_by_role("status"), chart.get_by_role("button", name="show all")
    keys.press("End")
    told.get_by_text("position 39: loss 0.0250").wait_for()
    keys.press("Home")
    told.get_by_text("position 0: loss 1").wait_for()
    keys.press("ArrowRight")
    told.get_by_text("position 1: loss 0.5000").wait_for()
    assert chart.locator(".legend b").inner_text() == "0.5000"
    keys.press("+")
    everything.wait_for()
    keys.press("ArrowRight")  # the place is kept
    told.get_by_text("position 2: loss 0.3333").wait_for()
    keys.press("ArrowLeft")
    told.get_by_text("position 1:").wait_for()
    keys.press("-")  # around where it was zoomed in: that is all again
    everything.wait_for(state="detached")
    keys.press("+")
    everything.wait_for()
    keys.press("0")
    everything.wait_for(state="detached")


def test_what_is_wrong_and_its_cause_are_found_by_keys_alone(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open()
    watched.page.get_by_text("a row without a target cannot be used").first.wait_for()
    tab_to(watched, "Open run")
    watched.page.keyboard.press("Enter")
    watched.page.get_by_role("region", name="Why").get_by_text("cannot be used").wait_for()


def test_a_run_with_defaults_is_started_by_keys_alone(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open()
    watched.heading("Home")
    tab_to(watched, "New run")
    watched.page.keyboard.press("Enter")
    watched.page.get_by_text("Ready: it will make a model").wait_for()
    tab_to(watched, "Start train")
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_url("**#/jobs/*")
    [job] = Jobs(site.workspace.catalog).rows(1)
    assert job["work"]["step"] == "train" and watched.clicks == 0
    Jobs(site.workspace.catalog).cancel(job["id"])


def test_an_endpoint_is_rolled_back_and_that_is_undone_by_keys_alone(opened: Opening, site: Site) -> None:
    with failing(site.ring, "customers", "3"):
        watched = opened()
        keys = watched.page.keyboard
        dialog = watched.page.get_by_role("dialog", name="Roll back customers to v2?")
        watched.open()
        watched.page.get_by_role("link", name="Roll back customers").wait_for()
        tab_to(watched, "Roll back customers")
        keys.press("Enter")
        dialog.wait_for()
        keys.press("Escape")  # on second thoughts
        dialog.wait_for(state="detached")
        tab_to(watched, "Roll back to v2")
        keys.press("Enter")
        dialog.wait_for()
        keys.press("Escape")
        dialog.wait_for(state="detached")
        assert watched.page.evaluate(FOCUS)["name"] == "Roll back to v2", "the place is given back"
        keys.press("Enter")
        dialog.get_by_text("has all requests").or_(dialog.get_by_role("row", name="v3")).first.wait_for()
        tab_to(watched, "Roll back to v2")
        keys.press("Enter")
        watched.page.get_by_text("customers: v2 has all requests").wait_for()
        assert shares(site, "customers") == {"2": 1.0}
        tab_to(watched, "Undo")
        keys.press("Enter")
        until(lambda: shares(site, "customers") == {"2": 0.8, "3": 0.2})
