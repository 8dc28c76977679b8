"""The main job in the browser: from an empty workspace under `aimass up` to an answer of its endpoint, all real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aimass.console.up import state as file
from aimass.runner.workspace import Workspace
from tests.console.browser.journey import BUDGETS, CLICKS, Told, few_columns, main_job
from tests.console.browser.looked import clear_to_all
from tests.console.browser.watched import Site, opening
from tests.console.up.test_supervisor import up


def test_from_an_empty_workspace_to_an_answer_with_clicks_only(chromium: Any, tmp_path: Path) -> None:
    data, told = few_columns(tmp_path / "customers.csv"), Told()
    with up(tmp_path / "space"):
        state = file.read(tmp_path / "space")
        assert state is not None
        site = Site(state.console, Workspace(tmp_path / "space"))
        with opening(chromium, site) as opened:
            watched = opened()
            version, answer = main_job(watched, data, "bought", BUDGETS, told)
            assert version == "customers@1"
            assert ("yes" in answer or "no" in answer) and "customers@1" in answer
            assert watched.clicks <= CLICKS, told.marks
            watched.forgive("503 (")  # it is being loaded
            watched.open("/jobs/1")
            watched.page.get_by_role("heading", name="Published customers@1").wait_for()
            clear_to_all(watched, "job-published")
    [row] = Workspace(tmp_path / "space").versions()
    assert (row["name"], row["number"]) == ("customers", 1)
