"""An archive comes in wherever a workspace keeps its facts and bytes."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.store.conftest import postgres, postgres_url

from aimass.project.archive.take import import_project
from aimass.project.archive.write import export_project
from aimass.runner.workspace import Workspace

__all__ = ["postgres", "postgres_url"]


def figures(space: Workspace) -> list[object]:
    """The curves of every run that has some."""
    found = [space.catalog.history(run["id"]) for run in space.runs(1000)]
    return [curves for curves in found if curves]


def same(one: Workspace, other: Workspace, tmp_path: Path) -> None:
    """Whether ONE is what OTHER's archive brought, and its own archive brings nothing new back."""
    assert one.versions() == other.versions() and one.lineage("p@2") == other.lineage("p@2")
    assert figures(one) and all(curve in figures(other) for curve in figures(one))
    export_project(one, "p", tmp_path / "back.zip")
    told = import_project(other, tmp_path / "back.zip")["new"]
    assert (told["artifacts"], told["runs"], told["versions"], told["names"]) == (0, 0, [], [])


def test_facts_in_postgres_and_back(workspace: Workspace, file: Path, postgres_url: str, tmp_path: Path) -> None:
    there = Workspace(tmp_path / "there", catalog=postgres_url)
    import_project(there, file)
    same(there, workspace, tmp_path)
    there.catalog.engine.dispose()


def test_bytes_in_object_storage_and_back(workspace: Workspace, file: Path, tmp_path: Path) -> None:
    there = Workspace(tmp_path / "there", store=f"memory://{uuid.uuid4().hex}")
    import_project(there, file)
    same(there, workspace, tmp_path)
