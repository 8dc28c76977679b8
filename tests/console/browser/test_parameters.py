"""Parameters by mouse: changed with a preview, found out about and taken back, within the clicks of the design."""

from __future__ import annotations

from tests.console.browser.conftest import THEMES, Opening, Site
from tests.console.browser.looked import findings, picture


def test_a_parameter_is_changed_and_who_did_it_is_seen_and_taken_back(opened: Opening, site: Site) -> None:
    watched = opened()
    page = watched.page
    watched.open("/")
    watched.heading("Home")
    watched.click("link", "Live parameters")
    watched.click("button", "Change console/tries")
    field = page.get_by_label("New value")
    field.fill("5000")
    assert page.get_by_role("button", name="Set", exact=True).is_disabled()
    field.fill("8")
    page.get_by_text("8 tries").first.wait_for()
    watched.click("button", "Set to 8 tries")
    page.get_by_text("console/tries is 8 tries now").wait_for()
    watched.open("/")
    watched.heading("Home")
    watched.clicks = 0
    watched.click("link", "Live parameters")
    watched.click("button", "History of console/tries")
    page.get_by_role("cell", name="5 tries → 8 tries").wait_for()
    watched.click("button", "Undo the change to 8 tries")
    page.get_by_text("console/tries is as it was before").wait_for()
    assert watched.clicks == 3
    page.get_by_role("cell", name="8 tries → 5 tries").wait_for()


def test_what_opens_is_clear_to_all(opened: Opening, site: Site) -> None:
    for theme in THEMES:
        watched = opened(theme)
        watched.open("/parameters?history=*")
        watched.page.get_by_role("dialog", name="All changes").wait_for()
        assert findings(watched.page) == []
        watched.page.keyboard.press("Escape")
        watched.click("button", "Change console/log_level")
        watched.page.get_by_role("combobox", name="New value").wait_for()
        assert findings(watched.page) == []
        picture(watched.page, f"parameters-change-{theme}")
