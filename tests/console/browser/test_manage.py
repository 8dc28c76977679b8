"""The pages of management over a real `aimass up`: what it keeps, what can be changed of it, what it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aimass.core.task import Task
from aimass.runner.workspace import Workspace
from tests.console.browser.looked import SHELL, clear_to_all, findings, fits
from tests.console.browser.watched import Opening, Site
from tests.console.up.test_supervisor import member, there, until, up
from tests.serve.ray.conftest import publish
from tests.serve.versions.conftest import write_version

MANY = 100_000  # lines
OLDER = """(first) => {
  const box = document.querySelector('.log');
  box.scrollTop = 0;
  return box.querySelector('li').innerText !== first;
}"""  # goes up until lines before the FIRST are there


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console that is kept, with a model that is served."""
    root = tmp_path_factory.mktemp("managed")
    workspace = Workspace(root / "space")
    publish(workspace, write_version(root / "1", 1), "prices")
    run = workspace.catalog.start_run(Task("train", 1, {}, {}))
    for text in (
        "epoch 1: loss 0.693",
        "epoch 2: loss 0.412",
        "2 rows are refused: no target",
        "training failed: no space left",
    ):
        workspace.catalog.add_log(run, text)
    with up(workspace.folder, "--workers", "2"):
        yield Site(there(workspace.folder).console, workspace)


def test_what_is_managed_is_clear_to_all(opened: Opening, site: Site) -> None:
    watched = opened()
    page = watched.page
    for name, there_is in {
        "subsystems": "waits for a job",
        "parameters": "models/prices/call_rows",
        "logs": "prices@1 is served",
    }.items():
        watched.open(f"/{name}")
        page.get_by_text(there_is).first.wait_for()
        clear_to_all(watched, name, without=SHELL)
        fits(page)
    watched.open("/parameters?history=*")
    page.get_by_role("dialog", name="All changes").wait_for()
    clear_to_all(watched, "all changes", within="dialog", kept=False)
    page.keyboard.press("Escape")
    watched.click("button", "Change server/idle_seconds")
    page.get_by_label("New value").fill("20")
    clear_to_all(watched, "parameter")


def test_a_parameter_is_changed_and_who_did_it_is_seen_and_taken_back(opened: Opening, site: Site) -> None:
    watched = opened()
    page = watched.page
    watched.open("/parameters")
    watched.click("button", "Change server/idle_seconds")
    page.get_by_label("New value").fill("0")
    assert page.get_by_role("button", name="Set", exact=True).is_disabled()
    page.get_by_label("New value").fill("20")
    watched.click("button", "Set to 20 s")
    page.get_by_text("server/idle_seconds is 20 s now").wait_for()
    watched.open("/subsystems")
    watched.heading("Subsystems")
    watched.clicks = 0
    watched.click("link", "Live parameters")
    watched.click("button", "History of server/idle_seconds")
    watched.click("button", "Undo the change to 20 s")
    page.get_by_text("server/idle_seconds is as it was before").wait_for()
    assert watched.clicks == 3


def test_a_process_is_started_anew_by_two_clicks(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open("/subsystems")
    before = member(site.workspace.folder, "jobs-2")["pid"]
    watched.click("button", "Restart jobs-2")
    watched.page.get_by_text("It has no job just now").wait_for()
    clear_to_all(watched, "restart", kept=False, within="dialog")
    watched.page.get_by_role("dialog").get_by_role("button", name="Restart jobs-2").click()
    watched.page.get_by_text("jobs-2 is started anew").wait_for()
    until(
        lambda: (
            (now := member(site.workspace.folder, "jobs-2")).get("pid") not in (before, None)
            and now["state"] == "ready"
        )
    )


def test_a_hundred_thousand_lines_are_scrolled_and_searched_and_few_are_drawn(opened: Opening, site: Site) -> None:
    lines = (f"2026-11-22T00:{n // 6000:02}:{n // 100 % 60:02}.{n % 100:02}0Z line {n}\n" for n in range(MANY))
    (site.workspace.folder / "up" / "many.log").write_text("".join(lines))
    from playwright.sync_api import expect

    watched = opened()
    page = watched.page
    watched.open("/logs")
    page.get_by_text("prices@1 is served").wait_for()
    drawn = page.locator(".log li")
    assert drawn.count() < 120
    page.get_by_role("log").focus()
    page.keyboard.press("PageUp")  # who reads on by whatever means is not taken back to the newest line
    expect(page.get_by_label("Follow")).not_to_be_checked()
    for _ in range(3):
        page.wait_for_function(OLDER, arg=drawn.first.inner_text())
    page.get_by_text("more above").wait_for()
    assert drawn.count() < 120
    page.get_by_label("Search the logs").fill("line 7777")
    page.get_by_text("11 lines here").wait_for()
    page.get_by_role("button", name="Link to line").first.click()
    assert "line=many%3A" in page.url or "line=many:" in page.url
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.locator(".log li.marked").wait_for()
    page.get_by_label("Level").select_option("error")
    page.get_by_label("Search the logs").fill("")
    page.get_by_text("training failed: no space left").wait_for()
    assert page.get_by_text("epoch 1: loss").count() == 0


def test_an_admin_sees_the_console_as_a_viewer_does(opened: Opening, site: Site) -> None:
    watched = opened()
    page = watched.page
    watched.open("/subsystems")
    page.get_by_role("button", name="Restart jobs-1").wait_for()
    watched.click("button", "ada, admin")
    watched.click("menuitem", "See it as a viewer")
    page.get_by_text("You see the console as a viewer does").wait_for()
    page.get_by_text("waits for a job").first.wait_for()
    assert page.get_by_role("button", name="Restart jobs-1").count() == 0
    assert page.get_by_role("link", name="Users").count() == 0
    assert findings(page) == []
    watched.click("button", "See it as yourself again")
    page.get_by_role("link", name="Users").wait_for()
