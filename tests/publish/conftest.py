"""Models, ledgers and releases made by hand, in a workspace of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass.core.artifact import Artifact, Model, Report, seal
from aimass.runner.workspace import Workspace

Adding = Callable[..., Artifact]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def add(tmp_path: Path, workspace: Workspace) -> Adding:
    """An artifact of KIND with these files (name -> text), kept in the workspace."""

    def make(kind: str, **files: str) -> Artifact:
        folder = tmp_path / "workspace" / "by-hand"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        manifest = seal(kind, folder, [])
        workspace.bytes.put(folder, manifest)
        workspace.catalog.add_artifact(manifest)
        return workspace.open(manifest.digest)

    return make


@pytest.fixture
def model(add: Adding) -> Model:
    files = {
        "model.onnx": "graph",
        "signature.json": "{}",
        "model.json": "{}",
        "sample.json": "[]",
        "big.bin": "0" * 99,
    }
    found = add("model", **files)
    assert isinstance(found, Model)
    return found


@pytest.fixture
def ledger_for(add: Adding) -> Callable[..., Report]:
    """A ledger that picks the model of this digest, with these lines of the goal."""

    def make(picked: str | None, *goal: dict[str, Any], binding: str = "", engine: Any = None) -> Report:
        facts = {
            "goal": list(goal),
            "pick": picked and {"candidate": "mlp", "model": picked, "engine": engine},
            "binding": {"summary": binding} if binding else None,
        }
        found = add("report", **{"ledger.json": json.dumps(facts)})
        assert isinstance(found, Report)
        return found

    return make


def line(budget: str, asked: float, measured: float, met: bool) -> dict[str, Any]:
    """A budget of a goal, as the ledger keeps it."""
    return {
        "budget": budget,
        "asked": asked,
        "measured": measured,
        "interval": [measured * 0.9, measured * 1.1],
        "met": met,
    }


@pytest.fixture
def budget() -> Callable[..., dict[str, Any]]:
    return line
