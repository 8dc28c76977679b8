"""Access to one project: given on the Users page, and what its holder then finds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from aimass.store import tables as t
from tests.console.browser.looked import clear_to_all, fits
from tests.console.browser.watched import PASSWORD, Opening, Site, Watched

MADE = ("eve", "bob")


@pytest.fixture(autouse=True)
def alone(site: Site) -> Iterator[None]:
    """Other tests of the same console find it as it was."""
    yield
    mine = (sa.delete(t.user).where(t.user.c.name.in_(MADE)), sa.delete(t.granted).where(t.granted.c.who.in_(MADE)))
    site.workspace.catalog.write(*mine, sa.delete(t.key))


def given(watched: Watched, name: str, project: str) -> None:
    """A user NAME who sees PROJECT, made by clicks."""
    page = watched.page
    watched.open("/users")
    watched.click("button", "Add user")
    dialog = page.get_by_role("dialog", name="Add user")
    dialog.get_by_label("Name", exact=True).fill(name)
    dialog.get_by_label("First password").fill(PASSWORD)
    dialog.get_by_label("Over 1").select_option("project")
    dialog.get_by_label("Project 1").fill(project)
    clear_to_all(watched, "add user", kept=False, within="dialog")
    dialog.get_by_role("button", name="Add user").click()
    page.get_by_role("row", name=f"{name} viewer over project {project}").wait_for()


def test_who_has_a_project_finds_its_things_and_hears_what_the_rest_needs(opened: Opening) -> None:
    given(opened(), "eve", "flights")
    watched = opened(signed_in=False)
    page = watched.page
    watched.open("/sources")
    page.get_by_label("Name").fill("eve")
    page.get_by_label("Password").fill(PASSWORD)
    watched.click("button", "Sign in")
    page.get_by_role("link", name="flights/flights").first.wait_for()
    watched.visit("/datasets", "flights/clean")
    watched.visit("/files", "You are viewer over project flights.")
    page.get_by_text("files.see").wait_for()
    clear_to_all(watched, "access-forbidden")
    watched.forgive("403")


def test_access_is_changed_grant_by_grant_and_given_to_keys(opened: Opening) -> None:
    watched = opened()
    page = watched.page
    given(watched, "bob", "churn")
    watched.click("button", "Deeds for bob")
    watched.click("menuitem", "Change access")
    dialog = page.get_by_role("dialog", name="Access of bob")
    dialog.get_by_role("button", name="Add a grant").click()
    dialog.get_by_label("Role 2").select_option("operator")
    dialog.get_by_label("Over 2").select_option("source")
    dialog.get_by_label("Source 2").fill("flights/flights")
    clear_to_all(watched, "access", within="dialog")
    fits(page)
    dialog.get_by_role("button", name="Change access").click()
    page.get_by_role("row", name="bob viewer over project churn operator over source flights/flights").wait_for()
    watched.visit("/keys")
    watched.click("button", "Make key")
    page.get_by_label("Name", exact=True).fill("ci")
    page.get_by_label("Over 1").select_option("project")
    page.get_by_label("Project 1").fill("churn")
    page.get_by_role("dialog").get_by_role("button", name="Make key").click()
    page.get_by_role("dialog", name="The new key").wait_for()
    clear_to_all(watched, "a key, shown once", kept=False, within="dialog")
    watched.click("button", "I have it")
    page.get_by_role("row", name="ci").get_by_text("over project churn").wait_for()
    clear_to_all(watched, "keys of projects", kept=False)
    watched.click("button", "Revoke")
    page.get_by_role("dialog").get_by_text("Type ci to go on").wait_for()
    clear_to_all(watched, "a name to type", kept=False, within="dialog")
