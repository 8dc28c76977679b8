"""What is saved of a table or a chart: all that the filter leaves, not what is in view; bounded, and that is said."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.console.browser.looked import unsaved
from tests.console.browser.pages import dataset, ledgers
from tests.console.browser.watched import Opening, Site, Watched


def saved(watched: Watched, what: str) -> list[dict[str, str]]:
    with watched.page.expect_download() as caught:
        watched.page.locator(f'button[data-saves="{what}"]').click()
    return list(csv.DictReader(Path(caught.value.path()).read_text(encoding="utf-8").splitlines()))


def many(watched: Watched, count: int) -> None:
    """Let the console have COUNT runs, as far as pages can tell."""
    like: list[dict[str, Any]] = []

    def answer(route: Any) -> None:
        asked = dict(parse_qsl(urlsplit(route.request.url).query))
        after, limit = int(asked.get("after", 0)), int(asked["limit"])
        if not like:
            like.append(route.fetch().json()["rows"][0])
        rows = [{**like[0], "id": n + 1, "label": f"=run {n + 1}"} for n in range(after, min(after + limit, count))]
        more = str(after + limit) if after + limit < count else None
        route.fulfill(json={"rows": rows, "total": count, "next": more})

    watched.page.route(re.compile(r"/api/v1/runs\?sort="), answer)  # others ask for those that run


def test_rows_that_were_never_in_view_are_saved_up_to_a_bound_that_is_said(opened: Opening, site: Site) -> None:
    watched = opened()
    many(watched, 700)
    watched.open("/runs")
    watched.page.get_by_text("=run 3", exact=True).wait_for()
    rows = saved(watched, "Runs")
    assert [row["id"] for row in rows] == [str(n + 1) for n in range(700)]
    assert rows[0]["label"] == "'=run 1", "a spreadsheet runs nothing of it"
    many(watched, 10_300)
    assert len(saved(watched, "Runs")) == 10_000
    watched.page.get_by_text("The first 10,000 rows are saved").wait_for()


def test_the_rows_of_a_dataset_are_saved_as_far_as_they_go(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open(f"/datasets/{dataset(site)}?tab=rows")
    watched.page.get_by_role("table", name="Rows").wait_for()
    assert len(saved(watched, "Rows")) == 450


def test_a_chart_is_saved_as_the_numbers_it_is_drawn_of(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open(f"/ledgers/{ledgers(site)[1]}")
    watched.page.get_by_text("better: up and left").wait_for()
    marks = saved(watched, "Candidates")
    assert marks and all(float(row["low"]) <= float(row["high"]) for row in marks)
    watched.page.evaluate("() => document.querySelector('button[data-saves=Candidates]').remove()")
    assert any("scatter" in one for one in unsaved(watched.page)), "who has none is found"
