"""Files in the browser: sent in pieces, over a line that breaks; looked at, taken; hostile ones are text."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aimass.console.files.uploads import PIECE
from aimass.console.jobs.attempt import folder_of
from aimass.console.jobs.progress import Written
from aimass.console.jobs.work import data_of
from aimass.store import tables as t
from aimass.store.catalog import now
from aimass.store.jobs import Jobs
from tests.console.browser.journey import choose_file
from tests.console.browser.looked import findings
from tests.console.browser.proxy import proxied
from tests.console.browser.watched import Opening, Site
from tests.whole import tiny

SCRIPT = "<img src=x onerror=alert(1)>"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Some three pieces."""
    path = tmp_path / "visitors.csv"
    lines = [tiny.HEADER, *tiny.lines(200)]
    path.write_text("\n".join(lines + [f"1,{SCRIPT},{'x' * 500},2024-01-01,yes"] * (3 * PIECE // 560)) + "\n")
    return path


def test_a_file_goes_on_by_itself_after_a_break_and_is_what_was_sent(opened: Opening, site: Site, rows: Path) -> None:
    with proxied(site.port) as proxy:
        watched = opened(at=proxy.url)
        page = watched.page
        sent: list[str] = []

        def first_then_cut(route: Any) -> None:
            sent.append(route.request.url)
            if len(sent) == 2:
                proxy.cut()
            route.continue_()

        page.route("**/uploads/*?at=*", first_then_cut)
        page.goto(f"{proxy.url}#/files")
        watched.heading("Files")
        choose_file(watched, rows)
        page.get_by_text("no answer, trying again").wait_for()
        proxy.mend()
        page.get_by_text("as it was sent").wait_for()
        page.get_by_text(sha256(rows.read_bytes()).hexdigest()).wait_for()
        assert findings(page) == []
        watched.click("button", "Use this file")
        page.get_by_role("button", name="visitors.csv").wait_for()
        page.get_by_role("tab", name="First rows").click()
        watched.forgive_cut()
        page.goto("about:blank")
    assert (data_of(site.workspace) / "visitors.csv").read_bytes() == rows.read_bytes()
    assert len({url.split("at=")[1] for url in sent}) == 3 < len(sent), "a piece is sent again"


def test_a_file_that_is_there_is_not_lost_by_another_of_its_name(opened: Opening, site: Site, tmp_path: Path) -> None:
    before = (data_of(site.workspace) / "customers.csv").read_bytes()
    other = tmp_path / "customers.csv"
    other.write_text("\n".join([tiny.HEADER, *tiny.lines(60)]) + "\n")
    watched = opened()
    watched.open("/files")
    choose_file(watched, other)
    watched.page.get_by_text("60 rows").wait_for()
    watched.click("button", "Use this file")
    watched.page.get_by_role("alert").get_by_text("customers.csv is there already").wait_for()
    watched.page.get_by_label("Call it").fill("customers of May.csv")
    watched.click("button", "Use this file")
    watched.page.get_by_role("button", name="customers of May.csv").wait_for()
    assert (data_of(site.workspace) / "customers.csv").read_bytes() == before
    watched.forgive("409")  # the answer that there is one


def test_a_project_is_looked_into_before_it_is_brought_in(opened: Opening, site: Site, tmp_path: Path) -> None:
    [file] = (site.workspace.folder / "archives").glob("*.zip")
    shutil.copy(file, tmp_path / "brought.aimass.zip")
    watched = opened()
    watched.open()
    watched.heading("Home")
    watched.click("link", "Import / export")
    watched.page.get_by_label("Choose an archive").and_(watched.page.locator(":enabled")).set_input_files(
        tmp_path / "brought.aimass.zip"
    )
    inside = watched.page.get_by_role("dialog")
    inside.get_by_text("nothing: all of it is here already").wait_for()
    watched.click("button", "Bring flights in")
    watched.page.get_by_text("flights is on its way in").wait_for()
    assert watched.clicks == 2  # and one to choose the file
    [job, *_] = Jobs(site.workspace.catalog).rows(1)
    assert (job["kind"], job["work"]["file"], job["state"]) == ("import", "data:brought.aimass.zip", "queued")
    watched.page.get_by_role("row", name="queued import of flights").wait_for()
    mine = sa.update(t.job).where(t.job.c.id == int(job["id"]))
    site.workspace.catalog.write(mine.values(state="running", started=now()))
    folder = folder_of(site.workspace, job["id"])
    folder.mkdir(parents=True)
    Written(folder)("bytes", 3_000_000, 12_000_000)
    watched.page.get_by_role("row", name="running import of flights").get_by_text("3.00 MB of 12.0 MB").wait_for()
    Written(folder)("releases", 1, 2)
    watched.page.get_by_role("progressbar", name="How far it is").wait_for()
    watched.page.get_by_text("1 of 2 releases measured").wait_for()
    site.workspace.catalog.write(mine.values(state="cancelled", ended=now()))
    (data_of(site.workspace) / "brought.aimass.zip").unlink()
