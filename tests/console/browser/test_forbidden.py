"""Every page says what it needs to who may not see it: at once where the console knows, or as the server has it."""

from __future__ import annotations

import pytest

from aimass.console.access.roles import ROLES
from tests.console.browser.pages import AWAITED, PLACES, route_at
from tests.console.browser.watched import Opening, Site

NONE = frozenset({"self"})  # permissions of who has none


def test_who_may_see_no_page_hears_what_each_needs(
    opened: Opening, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ROLES, "admin", NONE)
    watched = opened()
    watched.open("/settings")
    watched.heading("Settings")
    for name in AWAITED:
        address = PLACES[name][0](site)
        route = route_at(address)
        watched.visit(address)
        watched.page.get_by_role("heading", name=route.title, level=1, exact=True).wait_for()
        assert watched.page.locator(".notice.forbidden code").all_inner_texts() == [route.needs], name
    watched.forgive("403")  # of live figures, which need one, too


def test_who_may_not_see_a_page_any_more_hears_it_from_the_server(
    opened: Opening, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = opened()
    watched.open("/settings")
    watched.heading("Settings")
    monkeypatch.setitem(ROLES, "admin", NONE)  # while the console is open
    for name in AWAITED:
        watched.visit(PLACES[name][0](site))
        notice = watched.page.locator(".notice.forbidden").first
        notice.get_by_text("It needs the permission").wait_for()
        assert watched.page.locator(".notice.failed").count() == 0, name
    watched.forgive("403")
