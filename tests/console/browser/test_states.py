"""Loading is not empty is not an error is not forbidden is not stale; what opens over a page is clear to all, too.

What is stale is seen where a line is cut, test_live; what each page needs, in test_forbidden.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.links import first_link
from aimass.console.app import create_app
from tests.console.browser.conftest import serving
from tests.console.browser.looked import clear_to_all
from tests.console.browser.pages import AWAITED, PLACES, SILENT, declared, route_at
from tests.console.browser.watched import PASSWORD, Opening, Site, Watched

EMPTY = {
    "/sources": "No source yet", "/datasets": "No dataset yet", "/files": "No file yet", "/archive": "No archive yet",
    "/runs": "No run yet", "/jobs": "No job yet", "/models": "Nothing is published yet",
    "/ledgers": "Nothing was chosen yet", "/ledgers?tab=advice": "No training was advised yet",
    "/endpoints": "Nothing is published yet", "/playground": "Nothing is published yet",
    "/subsystems": "Nobody keeps processes here", "/keys": "No key yet",
}  # fmt: skip
BROKEN = {"error": "the catalog does not answer", "expected": "a catalog", "to_do": "see `aimass doctor`",
          "request": "5f1d0c2b9a3e"}  # fmt: skip
OPEN: dict[str, tuple[Callable[[Watched], Any], str]] = {  # what is done, and what is open then
    "the menu of who": (lambda tab: tab.click("button", "ada, admin"), "[role=menu]"),
    "the menu of themes": (lambda tab: tab.click("button", "Theme: system"), "[role=menu]"),
    "the menu of columns": (lambda tab: tab.click("button", "Columns"), "[role=menu]"),
    "the palette": (lambda tab: tab.page.keyboard.press("Control+k"), "dialog"),
    "the keys": (lambda tab: tab.page.keyboard.press("?"), "dialog"),
}


def test_what_is_awaited_comes_and_what_failed_says_so_on_every_page(tab: Watched, site: Site) -> None:
    page, held = tab.page, list[Any]()
    answers: list[dict[str, Any]] = []  # none: nothing is answered yet
    page.route("**/api/v1/**", lambda route: route.fulfill(**answers[0]) if answers else held.append(route))
    for name in AWAITED:
        held.clear(), answers.clear()
        tab.visit(PLACES[name][0](site))
        page.locator("main .skeleton:not(.early)").first.wait_for()
        if name == "runs":
            clear_to_all(tab, "state-loading")
        answers.append({"status": 500, "json": BROKEN})
        for route in held:
            route.fulfill(**answers[0])
        page.get_by_role("alert").get_by_text("The catalog does not answer").first.wait_for()
        assert page.get_by_role("heading", level=1).count() == 1, name
        if name == "runs":
            clear_to_all(tab, "state-error")
    page.unroute("**/api/v1/**")
    tab.forgive("500")
    tab.well()


@pytest.mark.parametrize(("name", "asked"), [("audit", "audit"), ("datasets", "datasets"), ("logs", "log")])
def test_a_list_that_failed_comes_by_itself(tab: Watched, name: str, asked: str) -> None:
    tab.page.route(f"**/api/v1/{asked}?**", lambda route: route.fulfill(status=503, json=BROKEN), times=1)
    tab.visit(f"/{name}")
    tab.page.get_by_role("alert").get_by_text("The catalog does not answer").wait_for()
    tab.page.locator("main tbody tr, main .log li").first.wait_for()
    assert tab.page.get_by_role("alert").count() == 0
    tab.forgive("503")
    tab.well()


def test_a_list_keeps_its_rows_while_a_later_page_fails_and_goes_on_where_it_was(tab: Watched, site: Site) -> None:
    from playwright.sync_api import expect

    with site.workspace.catalog.writing() as link:
        for i in range(500):
            audit.note(link, Caller("ada"), "bulk.done", f"entry {i}")
    tab.visit("/audit?what=bulk.", "entry 499")
    later = re.compile(r"/api/v1/audit\?.*after=")
    tab.page.route(later, lambda route: route.fulfill(status=503, json=BROKEN), times=1)
    table = tab.page.get_by_role("table", name="Audit")
    assert table.get_attribute("aria-rowcount") == "202"  # 200, the head, and one more to come
    tab.page.evaluate("() => document.querySelector('main .table').scrollTo(0, 1e6)")
    tab.page.get_by_text("trying again").wait_for()
    assert table.get_attribute("aria-rowcount") == "202"
    tab.page.get_by_text("entry 299").wait_for()
    tab.page.evaluate("() => document.querySelector('main .table').scrollTo(0, 1e6)")
    tab.page.get_by_text("entry 100").first.wait_for()
    expect(table).to_have_attribute("aria-rowcount", "501")
    tab.page.evaluate("() => document.querySelector('main .table').scrollTo(0, 1e6)")
    tab.page.get_by_text("entry 0", exact=True).wait_for()
    tab.forgive("503")
    tab.well()


def test_no_page_of_the_console_is_left_out(site: Site) -> None:
    seen = {route_at(PLACES[name][0](site)).path for name in AWAITED}
    assert seen | set(SILENT) == {route.path for route in declared()}
    assert not seen & set(SILENT)


def test_what_is_not_for_a_role_says_what_it_needs_and_who_grants_it(opened: Opening) -> None:
    watched = opened(role="viewer")
    watched.open("/audit")
    notice = watched.page.locator(".notice.forbidden")
    notice.get_by_text("audit.see").wait_for()
    notice.get_by_text("It is granted by: an admin").wait_for()
    clear_to_all(watched, "state-forbidden")


def test_an_empty_workspace_lets_its_first_user_in_and_says_what_belongs_where(opened: Opening, tmp_path: Path) -> None:
    space = str(tmp_path / "fresh")
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server, thread = serving(create_app(space), bound)
        watched = opened(signed_in=False)
        page = watched.page
        link = f"http://127.0.0.1:{bound.getsockname()[1]}/#/welcome?token={first_link(space)}"
        page.goto(link)
        watched.heading("Welcome")
        clear_to_all(watched, "welcome")
        page.get_by_label("Name").fill("grace")
        page.get_by_label("Password").first.fill(PASSWORD)
        page.get_by_label("Password, again").fill(PASSWORD)
        watched.click("button", "Create the first admin")
        watched.heading("Home")
        page.get_by_role("heading", name="Nothing is released yet").wait_for()
        clear_to_all(watched, "home-empty")
        page.goto(link)  # opened again, it asks for no second first user
        watched.heading("Home")
        for path, said in EMPTY.items():
            watched.visit(path, said)
            assert page.locator(".notice.empty").get_by_text(said).is_visible(), path
            if path == "/runs":
                clear_to_all(watched, "state-empty")
        watched.click("button", "grace, admin")
        watched.click("menuitem", "Sign out")
        watched.heading("Sign in")
        page.get_by_label("Name").fill("grace")
        page.get_by_label("Password").fill(PASSWORD)
        watched.click("button", "Sign in")
        watched.heading("Keys")  # where one was
        page.goto("about:blank")
        server.should_exit = True
        thread.join(20)


@pytest.mark.parametrize("what", OPEN)
def test_what_opens_over_a_page_is_clear_to_all_and_gives_the_place_back(tab: Watched, what: str) -> None:
    act, there = OPEN[what]
    tab.visit("/runs", "flights, small network")
    act(tab)
    tab.page.locator(there).wait_for()
    clear_to_all(tab, f"open-{what.split()[-1]}", within=there)
    tab.page.keyboard.press("Escape")
    tab.page.locator(there).wait_for(state="detached")
    tab.well()
