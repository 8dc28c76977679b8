"""`aimass export` and `aimass import`: a project from one folder to another by two commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.project.archive.conftest import PROJECT, built

from aimass.cli.main import main
from aimass.publish import held
from aimass.runner.workspace import Workspace

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line in a workspace: exit code, output, errors."""

    def said(workspace: str, *words: str | Path) -> tuple[int, str, str]:
        try:
            main(["-w", str(tmp_path / workspace), *map(str, words)])
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return said


@pytest.fixture
def file(tmp_path: Path, say: Say) -> Path:
    built(tmp_path)
    code, out, _ = say("here", "export", "p", "--to", tmp_path / "p.zip")
    assert code == 0 and "artifacts" in out and "without a project file" in out and "aimass import p.zip" in out
    return tmp_path / "p.zip"


def test_look_says_what_would_come_and_changes_nothing(file: Path, say: Say, tmp_path: Path) -> None:
    code, out, _ = say("there", "import", file, "--look")
    assert code == 0 and "releases: p@1, p@2" in out and out.startswith("p, exported 2")
    assert Workspace(tmp_path / "there").artifacts() == []
    told = json.loads(say("there", "import", file, "--look", "--json")[1])
    assert told["new"]["versions"] == ["p@1", "p@2"] and told["here"] is True


def test_what_was_exported_is_imported(file: Path, say: Say, tmp_path: Path) -> None:
    code, out, err = say("there", "import", file)
    assert code == 0, err
    assert "p@2: it has no ledger, so no budget was set" in out and "measuring p@2" in err
    assert Workspace(tmp_path / "there").resolve("p@2") == Workspace(tmp_path / "here").resolve("p@2")
    assert say("there", "import", file, "--measure", "none")[1].endswith("no release was measured here\n")


def test_a_budget_that_does_not_hold_here_is_exit_code_3_and_the_project_is_in(
    file: Path, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(space: Any, ref: str) -> dict[str, Any]:
        line = {"budget": "p99_ms", "what": "p99", "asked": 5.0, "unit": "ms",
                "there": {"measured": 3.0, "interval": [2.9, 3.1], "met": True},
                "here": {"measured": 9.0, "interval": [8.9, None], "met": False}}  # fmt: skip
        return {"release": ref, "report": "0" * 64, "budgets": [line], "holds": False, "why": "p99 upper bound 9 ms"}

    monkeypatch.setattr(held, "held_here", broken)
    code, out, err = say("there", "import", file)
    assert code == 3 and "p@2 does not keep its budgets on this machine: p99 upper bound 9 ms" in err
    row = next(line for line in out.splitlines() if "[2.9" in line)
    assert row.split() == ["p@2", "p99", "5", "ms", "3", "[2.9,", "3.1]", "9", "[8.9,", "?]", "does", "not", "hold"]
    assert Workspace(tmp_path / "there").versions()


def test_a_project_file_names_its_project_and_goes_along(file: Path, say: Say, tmp_path: Path) -> None:
    (tmp_path / "aimass.toml").write_text(PROJECT)
    code, out, _ = say("here", "export", tmp_path / "aimass.toml", "--to", tmp_path / "q.zip", "--json")
    assert code == 0 and json.loads(out)["project_file"] is True
    assert say("here", "export", tmp_path / "aimass.toml", "--to", file)[0] == 2  # it exists
    assert say("here", "export", "p", "--to", file, "--force")[0] == 0


@pytest.mark.parametrize("words", [("export", "nobody"), ("import", "nowhere.zip"), ("import", "{here}/catalog.db")])
def test_what_is_none_is_bad_input(file: Path, say: Say, tmp_path: Path, words: tuple[str, str]) -> None:
    verb, name = words
    code, _, err = say("here", verb, name.format(here=tmp_path / "here"))
    assert code == 2 and "expected:" in err
