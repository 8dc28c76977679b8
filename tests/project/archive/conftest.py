"""A small project with rows, runs, names and a release, and an empty workspace for it to come into."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.runner import chain
from tests.runner.test_runners import task_of

from aimass.core.artifact import seal
from aimass.core.errors import InputError
from aimass.core.step import load_step
from aimass.project.archive.write import export_project
from aimass.publish.registry import publish_version
from aimass.runner.workspace import Workspace

PROJECT = 'name = "p"\n[collect]\nuse = "csv"\npath = "rows.csv"\n[goal]\ntarget = "y"\n'


def collect(workspace: Workspace, file: Path, rows: int) -> None:
    """What ROWS more than before come to in the table p/p."""
    with file.open("a" if file.exists() else "w") as csv:
        csv.write("" if csv.tell() else "x,y\n")
        csv.writelines(f"{i},{i % 2}\n" for i in range(rows))
    before = workspace.find_name("p/collect/p")
    settings = {"name": "p/p", "source": {"use": "csv", "path": str(file)}}
    task = load_step("collect").task({"previous": before}, settings, label="collect/p")
    workspace.run(task, save_as="p/collect/p")


def release(workspace: Workspace, parent: str, text: str) -> str:
    """A release by hand, as p's next version."""
    folder = workspace.folder / "by-hand"
    folder.mkdir()
    (folder / "release.json").write_text(json.dumps({"name": "p", "told": text}))
    manifest = seal("release", folder, [parent], made_by="0" * 64, step="publish", created="2026-01-02", version="1")
    workspace.bytes.put(folder, manifest)
    workspace.catalog.add_artifact(manifest)
    found = workspace.open(manifest.digest)
    return publish_version(workspace, found, "p")  # type: ignore[arg-type]


def built(folder: Path) -> Workspace:
    """Has project p, and a project q that is nothing of p's."""
    space = Workspace(folder / "here")
    collect(space, folder / "rows.csv", 5)
    for rows in (3, 4):
        numbers = space.run(task_of(chain.make, {}, rows=rows), save_as="p/numbers")
        space.run(task_of(chain.total, {"dataset": numbers.digest}), save_as="p/total")
        release(space, space.resolve("p/total"), str(rows))
    space.run(task_of(chain.total, {"dataset": numbers.digest}))  # reused
    space.run(task_of(chain.total, {"dataset": numbers.digest}, slow=1e-9))  # nobody has named what it makes
    with pytest.raises(InputError):
        space.run(task_of(chain.fail, {}, how="input"))  # of no project
    other = space.run(task_of(chain.make, {}, rows=9), save_as="q/numbers")
    space.run(task_of(chain.total, {"dataset": other.digest}), save_as="q/total")
    return space


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return built(tmp_path)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "elsewhere")


@pytest.fixture
def file(workspace: Workspace, tmp_path: Path) -> Path:
    """Project p as an archive."""
    export_project(workspace, "p", tmp_path / "p.aimass.zip", text=PROJECT)
    return tmp_path / "p.aimass.zip"
