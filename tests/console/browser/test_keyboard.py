"""The way in and to a run without a mouse: where one is can be seen, and a dialog gives the place back."""

from __future__ import annotations

from typing import Any

from tests.console.browser.conftest import NAME, PASSWORD, Opening, Site, Watched, cookies
from tests.console.browser.test_pages import grown

MOST = 60  # steps of the Tab key from one end of a page to the other

FOCUS = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
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
    cookies(chromium, site)  # there is a user
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
