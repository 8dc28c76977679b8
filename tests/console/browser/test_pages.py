"""Every page in both themes: itself, clear to all, at rest with this machine; and the ways in."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass.console.access.links import first_link
from aimass.console.app import create_app
from aimass.console.jobs.work import data_of
from aimass.core.task import Task
from aimass.store.jobs import Jobs
from tests.console.browser.conftest import NAME, PASSWORD, THEMES, Opening, Site, Watched, serving
from tests.console.browser.looked import MARK, TEXT, contrasts, findings, picture, pixels, unsaved
from tests.console.browser.proxy import proxied

LANDMARKS = ("banner", "navigation", "main")
Ready = Callable[[Watched], None]


GROWN = ("finished", "flights, small network")


def grown(site: Site) -> str:
    """The finished run with curves."""
    return next(row["id"] for row in site.workspace.runs() if (row["state"], row["label"]) == GROWN)


def ledgers(site: Site) -> list[str]:
    """The newest first: the first of them picked nothing."""
    return [row["digest"] for row in site.workspace.artifacts("report") if row["step"] == "choose"]


def advised(site: Site) -> str:
    models = site.workspace.artifacts("model")
    return next(row["digest"] for row in models if "advice.json" in site.workspace.open(row["digest"]).manifest.files)


def failed(site: Site) -> str:
    return next(row["id"] for row in site.workspace.runs() if row["state"] == "failed")


def dataset(site: Site, step: str = "clean") -> str:
    """The newest dataset that STEP made."""
    return next(row["digest"] for row in site.workspace.artifacts("dataset") if row["step"] == step)


def done(site: Site) -> str:
    return next(
        row["id"] for row in Jobs(site.workspace.catalog).rows() if row["state"] == "finished" and row["kind"] == "task"
    )


def several(site: Site) -> list[str]:
    """Finished runs with curves, that were told different things."""
    return [row["id"] for row in site.workspace.runs() if row["state"] == "finished" and row["step"].endswith(":grow")]


MLP = '{"model":{"use":"mlp","width":64,"dropout":0.95}}'
PAGES: dict[str, tuple[Callable[[Site], str], str]] = {  # name -> its path, what is there when it is whole
    "home": (lambda site: "/", "Are things well?"),
    "sources": (lambda site: "/sources", "flights/flights"),
    "source": (lambda site: "/sources/flights%2Fflights", "+150"),
    "datasets": (lambda site: "/datasets", "flights/clean"),
    "dataset": (lambda site: f"/datasets/{dataset(site)}?column=distance", "Standard deviation"),
    "dataset-quality": (lambda site: f"/datasets/{dataset(site)}?tab=quality", "not a whole number"),
    "dataset-difference": (lambda site: f"/datasets/{dataset(site)}?tab=difference&column=distance", "chance alone"),
    "runs": (lambda site: "/runs", "flights, small network"),
    "run": (lambda site: f"/runs/{grown(site)}", "Drag to zoom"),
    "run-failed": (lambda site: f"/runs/{failed(site)}", "cannot be used"),
    "run-machine": (lambda site: f"/runs/{grown(site)}?tab=machine", "written by this run"),
    "run-logs": (lambda site: f"/runs/{grown(site)}?tab=logs", "begun at 0"),
    "run-parameters": (lambda site: f"/runs/{grown(site)}?tab=parameters", "pause"),
    "endpoints": (lambda site: "/endpoints", "p99, ms"),
    "endpoint": (lambda site: "/endpoints/customers", "Time to answer"),
    "endpoint-publish": (lambda site: "/endpoints/customers?act=publish&to=1", "answers its examples"),
    "playground": (lambda site: "/playground/customers?explain=200", "Send record"),
    "models": (lambda site: "/models", "flights"),
    "model": (lambda site: "/models/flights/2", "What it takes"),
    "model-graph": (lambda site: "/models/flights/2?tab=graph&view=table", "By operator"),
    "model-explanations": (lambda site: "/models/flights/1?tab=explanations", "What it relies on"),
    "model-lineage": (lambda site: "/models/flights/2?tab=lineage", "artifacts"),
    "ledgers": (lambda site: "/ledgers", "linear"),
    "ledger": (lambda site: f"/ledgers/{ledgers(site)[1]}", "better: up and left"),
    "advice": (lambda site: f"/advice/{advised(site)}", "takes 40 s"),
    "start": (lambda site: "/start?file=customers.csv&target=bought", "p99_ms = 20.0"),
    "files": (lambda site: "/files?file=customers.csv", "alpha"),
    "job": (lambda site: f"/jobs/{done(site)}", "tests.console.chores:grow"),
    "clone": (lambda site: f"/new-run?from={grown(site)}", "Ready"),
    "new-run": (lambda site: f"/new-run?settings={MLP}", "to be mended"),
    "compare": (lambda site: f"/compare?runs={','.join(several(site))}", "Drag to zoom"),
    "compare-nothing": (lambda site: "/compare", "Choose runs to compare"),
    "jobs": (lambda site: "/jobs", "customers"),
    "archive": (lambda site: "/archive", "does not hold"),
    "archive-look": (lambda site: "/archive?file=flights-2026-01-02.aimass.zip", "nothing: all of it is here already"),
    "users": (lambda site: "/users", "1 user"),
    "keys": (lambda site: "/keys", "No key yet"),
    "audit": (lambda site: "/audit", "users.create"),
    "settings": (lambda site: "/settings", "In this browser"),
    "help": (lambda site: "/help", "onnxruntime"),
    "nothing": (lambda site: "/nowhere", "nowhere"),
}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_clear_to_all(opened: Opening, site: Site, name: str, theme: str) -> None:
    path, there = PAGES[name]
    watched = opened(theme)
    watched.open(path(site))
    page = watched.page
    page.get_by_text(there).first.wait_for()
    assert page.get_by_role("heading", level=1).count() == 1
    assert "AI Mass" in page.title()
    for landmark in LANDMARKS:
        assert page.get_by_role(landmark).first.is_visible(), landmark
    assert findings(page) == []
    assert unsaved(page) == []
    picture(page, f"{name}-{theme}")


@pytest.mark.parametrize("theme", THEMES)
def test_the_way_in_is_clear_to_all(opened: Opening, theme: str) -> None:
    watched = opened(theme, signed_in=False)
    watched.open()
    watched.heading("Sign in")
    assert findings(watched.page) == []
    picture(watched.page, f"sign-in-{theme}")
    watched.page.get_by_label("Name").fill(NAME)
    watched.page.get_by_label("Password").fill("wrong")
    watched.click("button", "Sign in")
    watched.page.get_by_role("alert").wait_for()
    assert findings(watched.page) == []


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_drawn_on_a_chart_can_be_seen(opened: Opening, site: Site, theme: str) -> None:
    """axe does not look at a canvas: labels may be faint there, and a line may be lost on its ground."""
    watched = opened(theme)
    for tab in ("curves", "machine"):
        watched.open(f"/runs/{grown(site)}?tab={tab}")
        charts = watched.page.get_by_role("tabpanel").locator("figure.chart .plot canvas")
        charts.first.wait_for()
        for chart in charts.all():
            clear(chart)


def clear(chart: Any, letters: int = 30) -> None:
    """The labels of CHART can be read, so many pixels of LETTERS that are dark enough, and its lines can be seen."""
    seen = contrasts(pixels(chart.screenshot()))
    width = seen.shape[1]
    left, below, middle = seen[:, : width // 12], seen[-28:, width // 8 :], seen[8:-43, width // 8 : -12]
    for words in (left, below):
        assert (words >= TEXT).sum() > letters, "the labels of an axis cannot be read"
    assert (middle >= MARK).any(axis=0).mean() > 0.5, "the line cannot be seen on most of its way"


def test_the_link_of_the_first_start_makes_the_first_user(opened: Opening, tmp_path: Path) -> None:
    space = str(tmp_path / "fresh")
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server, thread = serving(create_app(space), bound)
        watched = opened(signed_in=False)
        page = watched.page
        link = f"http://127.0.0.1:{bound.getsockname()[1]}/#/welcome?token={first_link(space)}"
        page.goto(link)
        watched.heading("Welcome")
        page.get_by_label("Name").fill("grace")
        page.get_by_label("Password").first.fill(PASSWORD)
        page.get_by_label("Password, again").fill(PASSWORD)
        watched.click("button", "Create the first admin")
        watched.heading("Home")
        page.get_by_role("heading", name="Nothing is released yet").wait_for()
        page.goto(link)  # opened again, it asks for no second first user
        watched.heading("Home")
        watched.click("button", "grace, admin")
        watched.click("menuitem", "Sign out")
        watched.heading("Sign in")
        page.get_by_label("Name").fill("grace")
        page.get_by_label("Password").fill(PASSWORD)
        watched.click("button", "Sign in")
        watched.heading("Home")
        page.goto("about:blank")
        server.should_exit = True
        thread.join(20)


def test_what_runs_say_is_text_and_never_a_program(opened: Opening, site: Site) -> None:
    watched = opened()
    asked: list[Any] = []
    watched.page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    number = next(row["id"] for row in site.workspace.runs() if "<img" in str(row["error"]))
    watched.open(f"/runs/{number}")
    watched.page.get_by_text("<img src=x onerror=alert(1)> cannot be used").first.wait_for()
    watched.open("/runs")
    watched.page.get_by_role("heading", name="Runs", level=1).wait_for()
    assert not asked and watched.page.locator("img[src=x]").count() == 0


def test_lines_of_logs_labels_and_names_are_text_and_never_a_program(opened: Opening, site: Site) -> None:
    script = "<img src=x onerror=alert(1)>"
    catalog = site.workspace.catalog
    run = catalog.start_run(Task("train", 1, {"note": script}, {}, label=script))
    catalog.add_log(run, f"{script}\u202e{script}")
    catalog.add_metrics(run, [(script, 0.0, 1.0)])
    catalog.end_run(run, "finished")
    watched = opened()
    asked: list[Any] = []
    watched.page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    for path in ("", "?tab=logs", "?tab=parameters", "?tab=artifacts"):
        watched.open(f"/runs/{run}{path}")
        watched.heading(script)
        watched.page.get_by_role("tabpanel").wait_for()
    watched.open("/runs?text=onerror")
    watched.page.get_by_role("link", name=script).first.wait_for()
    assert not asked and watched.page.locator("img[src=x]").count() == 0


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


def test_under_a_path_of_two_parts_everything_works(opened: Opening, site: Site) -> None:
    with proxied(site.port, "/team/ml") as proxy:
        watched = opened()
        page = watched.page
        page.goto(f"{proxy.url}#/")
        watched.heading("Home")
        page.get_by_role("button", name="Live figures: live").wait_for()  # the socket, too
        watched.click("link", "Runs", exact=True)
        watched.heading("Runs")
        watched.click("link", grown(site), exact=True)
        page.locator("figure.chart canvas").first.wait_for()
        page.reload()
        page.locator("figure.chart canvas").first.wait_for()
        page.goto("about:blank")


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
    Jobs(site.workspace.catalog).cancel(job["id"])
    (data_of(site.workspace) / "brought.aimass.zip").unlink()


def test_the_tables_of_a_page_are_saved_as_csv(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open("/users")
    watched.page.get_by_role("cell", name="admin").first.wait_for()
    with watched.page.expect_download() as caught:
        watched.page.keyboard.press("t")
    saved = Path(caught.value.path()).read_text(encoding="utf-8")
    head, ada, *_ = [line.split(",") for line in saved.splitlines()]
    assert caught.value.suggested_filename == "Users.csv" and head == ["Name", "Role", "State", "Added"]
    assert ada[0] == "ada (you)" and ada[1] == "admin" and ada[3].endswith("Z")
