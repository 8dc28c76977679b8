"""Who answers is changed in few clicks, with its effect before it and its undoing behind it."""

from __future__ import annotations

from aimass.console.endpoints.served import endpoint
from tests.console.browser.seeded import failing
from tests.console.browser.test_live import until
from tests.console.browser.watched import Opening, Site, Watched


def shares(site: Site, name: str) -> dict[str, float]:
    """Who answers by now, as the server says."""
    found: dict[str, float] = endpoint(site.workspace, name)["shares"]
    return found


def home(opened: Opening) -> Watched:
    watched = opened()
    watched.open()
    watched.heading("Home")
    return watched


def test_a_version_is_published_to_a_share_in_four_clicks_and_taken_back_in_one(opened: Opening, site: Site) -> None:
    watched = home(opened)
    watched.click("link", "Endpoints", exact=True)
    watched.click("link", "reviews", exact=True)
    watched.click("button", "Publish version")
    watched.page.get_by_text("v2 answers its examples in a process of its own first").wait_for()
    assert shares(site, "reviews") == {"1": 1.0}, "a preview changes nothing"
    watched.click("button", "Publish v2 to 10 %")
    watched.page.get_by_text("reviews: v1 90 %, v2 10 %").wait_for()
    assert watched.clicks == 4 and shares(site, "reviews") == {"1": 0.9, "2": 0.1}
    watched.click("button", "Undo")
    until(lambda: shares(site, "reviews") == {"1": 1.0})


def test_an_endpoint_is_rolled_back_in_three_clicks_from_home(opened: Opening, site: Site) -> None:
    watched = home(opened)
    watched.click("link", "Endpoints", exact=True)
    watched.page.get_by_role("row", name="customers").get_by_role("button", name="Roll back").click()
    watched.page.get_by_role("row", name="v3").get_by_text("20 % →").wait_for()
    watched.click("button", "Roll back to v2")
    watched.page.get_by_text("customers: v2 has all requests").wait_for()
    assert watched.clicks + 1 == 3 and shares(site, "customers") == {"2": 1.0}
    watched.click("button", "Undo")
    until(lambda: shares(site, "customers") == {"2": 0.8, "3": 0.2})


def test_all_is_well_or_not_at_a_glance_and_the_cause_is_one_click_away(opened: Opening, site: Site) -> None:
    watched = home(opened)
    watched.page.get_by_role("region", name="Are things well?").get_by_text("Inference", exact=True).wait_for()
    needs = watched.page.get_by_role("region", name="Needs you")
    needs.get_by_text("a row without a target cannot be used").wait_for()
    assert watched.clicks == 0
    watched.click("link", "Open run", within=needs.get_by_role("listitem").filter(has_text="a row without a target"))
    watched.page.get_by_role("region", name="Why").get_by_text("a row without a target cannot be used").wait_for()
    assert watched.clicks == 1


def test_from_an_alert_at_home_an_endpoint_is_rolled_back_in_two_clicks(opened: Opening, site: Site) -> None:
    with failing(site.ring, "customers", "3"):
        watched = home(opened)
        watched.click("link", "Roll back customers")
        dialog = watched.page.get_by_role("dialog", name="Roll back customers to v2?")
        watched.click("button", "Roll back to v2", within=dialog)
        watched.page.get_by_text("customers: v2 has all requests").wait_for()
        assert watched.clicks == 2 and shares(site, "customers") == {"2": 1.0}
        watched.click("button", "Undo")
        until(lambda: shares(site, "customers") == {"2": 0.8, "3": 0.2})
