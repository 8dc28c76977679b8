"""A gang: the same function on one rank and on several, and what becomes of the others when one fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aimass.core.errors import InputError, Stopped, TaskFailed
from aimass.core.task import Task
from aimass.project.file import load as load_project
from aimass.project.steps import run_steps
from aimass.runner.gang import gang
from aimass.runner.launch import local
from aimass.runner.workspace import Workspace
from tests.runner import gangs


class FakeContext:
    """Hears what a gang says, and may want it to stop."""

    def __init__(self, folder: Path, workers: int, stop_at: float = float("inf")) -> None:
        self.folder = self.resume = folder
        self.workers, self.stop_at, self.seed, self.lake = workers, stop_at, 0, ""
        self.reports: list[Any] = []
        self.lines: list[str] = []
        self.told: dict[str, Any] = {}

    def report(self, at: float | None = None, **numbers: float) -> None:
        self.reports.append((at, numbers))
        if at is not None and at >= self.stop_at:
            raise Stopped("asked to stop")

    def log(self, message: str) -> None:
        self.lines.append(message)

    def tell(self, **facts: Any) -> None:
        self.told |= facts

    def gang(self, work: Any, **arguments: Any) -> list[Any]:
        return gang(self, work, arguments, local.launch, {})


def task_of(**settings: Any) -> Task:
    found = gangs.counted.task({}, settings)
    return Task(f"{gangs.HERE}:counted", found.revision, found.settings, found.inputs, found.seed)


@pytest.mark.parametrize("workers", [1, 2])
def test_ranks_share_the_work_and_rank_0_speaks_for_them(tmp_path: Path, workers: int) -> None:
    context = FakeContext(tmp_path, workers)
    answers = context.gang(gangs.count, rows=11)
    assert [answer["rank"] for answer in answers] == list(range(workers))
    assert sum(answer["sum"] for answer in answers) == sum(range(11))
    assert [answer["told"] for answer in answers] == [[0, "x"]] * workers
    assert context.reports == [(0, {"rows": 11}), (1, {"rows": 5.5}), (2, {"rows": 11 / 3})]
    assert (context.lines, context.told) == (["counted"], {"rows": 11})


def test_a_killed_rank_ends_the_others_and_is_named_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(TaskFailed, match=r"rank 1 of 2 was killed by SIGKILL") as caught:
        FakeContext(tmp_path, 2).gang(gangs.fail, how="kill")  # rank 0 would sleep for ten minutes
    assert "the last words of rank 1" in caught.value.what


def test_an_error_for_the_user_of_any_rank_keeps_its_fields(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        FakeContext(tmp_path, 2).gang(gangs.fail, how="input")
    error = caught.value
    assert (error.what, error.expected, error.todo, error.key) == ("bad rows", "good rows", "mend them", "rows")


def test_a_bug_in_a_rank_says_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(TaskFailed, match="rank 1 of 2 failed: ValueError: a bug in the work") as caught:
        FakeContext(tmp_path, 2).gang(gangs.fail, how="bug")
    assert "gangs.py" in caught.value.what


def test_a_stop_reaches_every_rank_at_the_same_report(tmp_path: Path) -> None:
    context = FakeContext(tmp_path, 2, stop_at=7)
    with pytest.raises(Stopped):
        context.gang(gangs.until_stopped, folder=str(tmp_path))
    assert [(tmp_path / rank).read_text() for rank in "01"] == ["7", "7"]


def test_ranks_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from tests.runner.gangs import pid
from tests.runner.test_gang import FakeContext
FakeContext(Path({str(tmp_path)!r}), 2).gang(pid, folder={str(tmp_path)!r})
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        files = [tmp_path / rank for rank in "01"]
        pids = [int(until(lambda file=file: file.exists() and file.read_text())) for file in files]
    finally:
        parent.kill()
        parent.wait()
    for child in pids:
        until(lambda child=child: not is_alive(child))


def until(check: Any, seconds: float = 30.0) -> Any:
    """What CHECK gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def is_alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_work_that_another_process_cannot_find_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be found by another process"):
        FakeContext(tmp_path, 2).gang(lambda rank: 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_arguments_that_are_no_json_are_refused(tmp_path: Path, workers: int) -> None:
    with pytest.raises(InputError, match="takes and gives JSON"):
        FakeContext(tmp_path, workers).gang(gangs.count, rows=tmp_path)


def test_workers_are_a_place_and_not_part_of_a_task(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    report = workspace.run(task_of(rows=11), needs={"workers": 2})
    assert report.read_json("report.json") == {"total": 55} and report.facts == {"rows": 11, "workers": 2}
    again = workspace.run(task_of(rows=11), needs={"workers": 1})
    assert again.digest == report.digest and workspace.runs()[0]["state"] == "reused"
    assert [point["value"] for point in workspace.metrics(workspace.runs()[1]["id"], "rows")] == [11, 5.5, 11 / 3]


@pytest.mark.parametrize(
    ("needs", "key"),
    [({"worker": 2}, "needs.worker"), ({"workers": 0}, "needs.workers"), ({"workers": 1.5}, "needs.workers"),
     ({"cpus": "2"}, "needs.cpus"), ({"gpus": -1}, "needs.gpus"), ({"memory": True}, "needs.memory")],
)  # fmt: skip
def test_needs_that_no_place_understands_are_refused(tmp_path: Path, needs: dict[str, Any], key: str) -> None:
    with pytest.raises(InputError) as caught:
        Workspace(tmp_path).run(task_of(rows=1), needs=needs)
    assert caught.value.key == key


@pytest.mark.parametrize("workers", [2, 0])
def test_a_project_file_says_how_many_workers_a_step_needs(tmp_path: Path, workers: int) -> None:
    text = f'[steps.count]\ndo = "{gangs.HERE}:counted"\nrows = 7\nneeds = {{ workers = {workers} }}\n'
    (tmp_path / "aimass.toml").write_text(text)
    project, workspace = load_project(tmp_path), Workspace(tmp_path / "w")
    if workers:
        assert run_steps(project, workspace)["count"].facts["workers"] == 2
        return
    with pytest.raises(InputError, match=r"aimass.toml:4:11: .*needs: workers is 0"):
        run_steps(project, workspace)
