"""The same project gives the same artifacts: in this process, in processes of their own, and on a Ray cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimass.project.file import load
from aimass.project.run import run_project
from aimass.runner.workspace import Workspace
from tests.runner.test_runners import two_node_cluster  # noqa: F401 - a fixture
from tests.whole import tiny
from tests.whole.conftest import Finished


def same_everywhere(finished: Finished, folder: Path, runner: str) -> None:
    """Run the project in a fresh folder on RUNNER, and compare every artifact with those made in one process."""
    project, place = load(tiny.write(folder), (f"on={runner}",)), Workspace(folder / "w")
    made, known = run_project(project, place).artifacts, finished.out["artifacts"]
    steps = ("collect/", "clean", "prepare", "train/", "compress/")
    exact = {name: digest for name, digest in known.items() if name.startswith(steps)}
    assert len(exact) == 6
    assert {name: made[name] for name in exact} == exact
    assert set(made) == set(known)
    before = Workspace(finished.workspace)
    for name in (name for name in known if name.startswith("measure/")):
        mine, theirs = (w.get(a[name]).read_json("report.json") for w, a in ((place, made), (before, known)))
        for figure in ("model", "candidate", "task", "quality", "size_bytes", "rows"):
            assert mine[figure] == theirs[figure], (name, figure)


def test_processes_make_the_artifacts_of_one_process(finished: Finished, tmp_path: Path) -> None:
    same_everywhere(finished, tmp_path, "processes")


@pytest.mark.usefixtures("two_node_cluster")
def test_a_ray_cluster_makes_the_artifacts_of_one_process(finished: Finished, tmp_path: Path) -> None:
    same_everywhere(finished, tmp_path, "ray")
