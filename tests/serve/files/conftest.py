"""A workspace that holds the hand-made model, rows as a caller has them, and a server's answers to them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import WORD, Caller

import aimass
from aimass.core.artifact import Report, seal
from aimass.runner.workspace import Workspace
from aimass.serve.app import App
from aimass.serve.predictor import Served

COLOURS = ["red", "blau ü", "", 'a "quoted", cell', "two\nlines", "😀"]


def rows(count: int) -> list[dict[str, Any]]:
    """Records with a column that the model does not know: id."""
    return [
        {
            "id": f"n{i}",
            "size": None if i % 7 == 3 else i / 8 - 2,
            WORD: COLOURS[i % len(COLOURS)],
            "seen": None if i % 5 == 4 else f"20{10 + i % 20}-0{1 + i % 9}-1{i % 9}T05:15:00",
        }
        for i in range(count)
    ]


def held(workspace: Workspace, folder: Path, name: str) -> None:
    """Put the model in FOLDER into WORKSPACE as NAME."""
    scratch = workspace.folder / "made"
    shutil.copytree(folder, scratch)
    manifest = seal("model", scratch, [])
    workspace.bytes.put(scratch, manifest)
    workspace.catalog.add_artifact(manifest)
    workspace.alias(manifest.digest, name)


@pytest.fixture
def workspace(tmp_path: Path, folder: Path) -> Workspace:
    place = Workspace(tmp_path / "w")
    held(place, folder, "flights")
    return place


@pytest.fixture
def predict(workspace: Workspace) -> Callable[..., Report]:
    """`aimass.predict` of the hand-made model: the files that are read, where to, and settings."""

    def made(path: Path | str, to: Path, use: str = "", **more: Any) -> Report:
        from aimass.collect.endings import source_of

        source = source_of(str(path)) if not use else {"use": use, "path": str(path)}
        source |= more.pop("source", {})
        return aimass.predict("flights", workspace=workspace, source=source, to=str(to), **more)

    return made


@pytest.fixture
def answers(served: Served) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """What the endpoint says to records; the columns it does not know are left out."""
    call, known = Caller(App([served])), {field.name for field in served.signature.rows}

    def said(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        sent = [{name: value for name, value in record.items() if name in known} for record in records]
        return call("POST", "/v1/predict/flights", {"records": sent}).json["predictions"]

    return said


def write_jsonl(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
