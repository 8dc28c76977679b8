"""A goal that no candidate meets: nothing goes out, and what would help is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aimass.runner.workspace import Workspace
from tests.whole.conftest import Finished, Say


@pytest.mark.parametrize(("budget", "asked"), [("floor", 0.9999), ("size_mb", 0.0001), ("p99_ms", 0.001)])
def test_an_impossible_budget_publishes_nothing_and_names_the_nearest_choices(
    finished: Finished, say: Say, tmp_path: Path, budget: str, asked: float
) -> None:
    out, name = tmp_path / "out.json", f"never-{budget.replace('_', '-')}"
    words = ["--set", f"goal.{budget}={asked}", "--set", f"publish.name={name}"]
    code, _, err = say(finished.workspace, "run", finished.project, *words, "--quiet")
    assert code == 3 and "nothing was published" in err
    code, _, err = say(finished.workspace, "run", finished.project, *words, "--quiet", "--json", out)
    said, told = json.loads(err), json.loads(out.read_text())
    assert code == 3
    assert told["pick"] is told["release"] is told["endpoint"] is None
    assert {line["budget"]: line["met"] for line in told["goal"]}[budget] is False
    assert told["binding"]["budget"] == budget and told["binding"]["summary"] in said["error"]
    assert len(told["nearest"]) == 3 and all(budget in choice["changes"] for choice in told["nearest"])
    assert all(choice["summary"] in said["to_do"] for choice in told["nearest"])
    assert all(row["status"] in ("infeasible", "not applicable") and row["reason"] for row in told["ledger"])
    code, _, err = say(finished.workspace, "serve", name, "--port", "0")
    assert code == 2 and f"no published model is called {name!r}" in err
    assert [row["name"] for row in Workspace(finished.workspace).versions()] == ["tiny"]


def test_the_nearest_choice_is_granted_when_it_is_asked_for(finished: Finished, say: Say, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    words = ["run", finished.project, "--quiet", "--json", out, "--until", "search", "--set"]
    assert say(finished.workspace, *words, "goal.size_mb=0.0001")[0] == 3
    nearest = json.loads(out.read_text())["nearest"][0]
    assert say(finished.workspace, *words, f"goal.size_mb={nearest['changes']['size_mb']}")[0] == 0
    assert json.loads(out.read_text())["pick"]["candidate"] == nearest["candidate"]
