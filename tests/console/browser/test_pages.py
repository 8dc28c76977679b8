"""Every page in both themes: itself, clear to all, at rest with this machine; and the ways in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.console.browser.looked import SHELL, clear_to_all, fits, unsaved
from tests.console.browser.pages import PAGES, PARTS
from tests.console.browser.watched import NAME, Opening, Site, Watched

LANDMARKS = ("banner", "navigation", "main")


@pytest.mark.parametrize("name", [*PAGES, *PARTS])
def test_a_page_is_whole_and_clear_to_all(tab: Watched, site: Site, name: str) -> None:
    path, there = (PAGES | PARTS)[name]
    page = tab.page
    tab.turn("light")
    tab.visit(path(site), there)
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.title().endswith(" · AI Mass")
    for landmark in LANDMARKS:
        assert page.get_by_role(landmark).first.is_visible(), landmark
    assert unsaved(page) == []
    clear_to_all(tab, name, kept=name in PAGES, without=() if name == "home" else SHELL)
    fits(page)
    tab.well()


def test_the_way_in_is_clear_to_all(opened: Opening) -> None:
    watched = opened(signed_in=False)
    watched.open()
    watched.heading("Sign in")
    clear_to_all(watched, "sign-in")
    watched.page.get_by_label("Name").fill(NAME)
    watched.page.get_by_label("Password").fill("wrong")
    watched.click("button", "Sign in")
    watched.page.get_by_role("alert").wait_for()
    clear_to_all(watched, "sign-in, refused", kept=False)


def test_an_address_in_a_fact_leads_nowhere_but_into_this_console(opened: Opening, site: Site) -> None:
    watched = opened()
    told = {"what": "x", "why": "y", "do": "Open it"}
    homes = [
        {**told, "href": href} for href in ("javascript:alert(1)", "//evil.example", "https://evil.example", "#/runs")
    ]

    def answered(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "needs": homes})

    watched.page.route("**/api/v1/home", answered)
    watched.open()
    watched.page.get_by_role("link", name="Open it").wait_for()
    links = watched.page.get_by_role("link", name="Open it").all()
    assert [link.get_attribute("href") for link in links] == ["#/runs"]
    watched.page.unroute_all(behavior="ignoreErrors")  # it asks again when there is news


def test_the_tables_of_a_page_are_saved_as_csv(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open("/users")
    watched.page.get_by_role("cell", name="admin").first.wait_for()
    with watched.page.expect_download() as caught:
        watched.page.keyboard.press("t")
    saved = Path(caught.value.path()).read_text(encoding="utf-8")
    head, ada, *_ = [line.split(",") for line in saved.splitlines()]
    assert caught.value.suggested_filename == "Users.csv" and head == ["Name", "Access", "State", "Added"]
    assert ada[0] == "ada (you)" and ada[1] == "admin" and ada[3].endswith("Z")
