"""`aimass advise`: a ledger for each network of a project; nothing is trained, nothing kept but what leads up to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.train.advisor.fakes import FakeBench
from tests.train.advisor.test_advise import FACTS, TYPICAL

from aimass.cli.main import main
from aimass.core.errors import InputError
from aimass.project.advise import advise_project
from aimass.project.file import Project
from aimass.runner.workspace import Workspace
from aimass.train import advised
from aimass.train.advisor.advise import advise
from aimass.train.advisor.record import HEAD, Advice
from aimass.train.bench import LoopBench

Write = Callable[..., Project]
ROWS = "x,y\n" + "".join(f"{i % 37},{'no' if i % 2 else 'yes'}\n" for i in range(80))


@pytest.fixture
def workspace(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Of a project of 80 rows whose advice is measured on a clock that moves with work alone, and kept in the test."""

    def on_a_fake(bench: LoopBench, **given: Any) -> Advice:
        bench.build(bench.plan).steps(1)  # the network and the rows are there
        fake = FakeBench(TYPICAL, **FACTS)
        return advise(fake, **given, watch=fake.watch)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(advised, "advise", on_a_fake)
    write('"linear",\n', "")
    (tmp_path / "rows.csv").write_text(ROWS)
    return Workspace(tmp_path / "w")


def test_a_network_gets_its_ledger_and_nothing_is_trained(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> str:
        main(["-w", str(tmp_path / "w"), "advise", str(tmp_path / "aimass.toml"), "--seconds", "60", *words])
        return capsys.readouterr().out

    head, _, columns, *rows = said().splitlines()
    assert head.startswith("mlp: precision bf16")
    assert columns.split() == list(HEAD)
    told = json.loads(said("--json"))["mlp"]
    assert len(told["rows"]) == len(rows) and {row["decision"] for row in told["rows"]} >= {"adopted", "refused"}
    assert {name.replace("-", "_") for name in HEAD} <= told["rows"][0].keys()
    assert told["verdict"] == "adopted" and told["sentences"][0].startswith("precision bf16") and told["reused"]
    assert {run["step"] for run in workspace.runs()} == {"collect", "clean", "prepare"}
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 1


def test_a_project_without_a_network_is_told_so(write: Write, tmp_path: Path) -> None:
    project = write('"linear",\n  { use = "mlp" },', '"xgboost",')
    (tmp_path / "rows.csv").write_text(ROWS)
    with pytest.raises(InputError, match="nothing by gradient descent"):
        list(advise_project(project, Workspace(tmp_path / "w"), seconds=1))
