"""Jobs end as they should, whatever is done to their processes and to those who watch over them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aimass.console.jobs.attempt import folder_of
from aimass.console.jobs.worker import Worker
from aimass.console.logs.file import STAMP
from aimass.core.step import Step
from aimass.runner.workspace import Workspace
from aimass.store.jobs import Jobs
from tests.console import chores
from tests.runner import chain
from tests.runner.test_runners import task_of

PATIENCE = 60.0  # seconds: beyond them a test has failed


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w")


@pytest.fixture
def jobs(workspace: Workspace) -> Jobs:
    return Jobs(workspace.catalog)


def ask(jobs: Jobs, step: Step, inputs: dict[str, Any], **settings: Any) -> str:
    return str(jobs.ask("task", json.loads(task_of(step, inputs, **settings).to_json()), who="ada")["id"])


def slow_sum(workspace: Workspace, jobs: Jobs, rows: int = 20, slow: float = 0.1) -> str:
    made = workspace.run(task_of(chain.make, {}, rows=rows))
    return ask(jobs, chain.total, {"dataset": made.digest}, slow=slow)


def until(true: Callable[[], Any]) -> Any:
    """What is TRUE at last."""
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def under_way(workspace: Workspace, jobs: Jobs, job: str) -> str:
    """The run of JOB, once it has reported something."""
    return str(until(lambda: (run := jobs.row(job)["run"]) and workspace.latest(run) and run))


@contextmanager
def working(workspace: Workspace, **given: float) -> Iterator[Worker]:
    """A worker in a thread, which has left afterwards."""
    worker = Worker(Workspace.reopen(workspace.url), **given)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.leave()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def over(jobs: Jobs, job: str) -> dict[str, Any]:
    def found() -> Any:
        return (row := jobs.row(job))["state"] in ("finished", "failed", "cancelled") and row

    return dict(until(found))


def test_a_task_is_carried_out_and_its_job_says_what_came_of_it(workspace: Workspace, jobs: Jobs) -> None:
    job = ask(jobs, chain.make, {}, rows=4)
    with working(workspace):
        row = over(jobs, job)
    assert (row["state"], row["error"], row["who"]) == ("finished", None, "ada")
    assert workspace.open(row["outcome"]["digest"]).read_json("rows.json") == [0, 1, 4, 9]
    assert workspace.run_row(row["run"])["state"] == "finished"
    said = (folder_of(workspace, job) / "log.txt").read_bytes().splitlines()
    assert all(STAMP.match(line) for line in said) and any(b"started" in line for line in said)


def test_a_cancelled_job_stops_its_run_and_a_resumed_one_goes_on_from_there(workspace: Workspace, jobs: Jobs) -> None:
    job = slow_sum(workspace, jobs)
    with working(workspace):
        run = under_way(workspace, jobs, job)
        jobs.cancel(job)
        assert over(jobs, job)["state"] == "cancelled"
        assert workspace.run_row(run)["state"] == "stopped"
        jobs.resume(job)
        row = over(jobs, job)
    assert row["state"] == "finished" and row["run"] != run
    assert workspace.open(row["outcome"]["digest"]).read_json("report.json") == {"total": sum(i * i for i in range(20))}
    begun = int(workspace.logs(row["run"])[0]["text"].split()[-1])
    assert begun > 0


def test_a_job_whose_process_dies_has_failed_and_so_has_its_run(workspace: Workspace, jobs: Jobs) -> None:
    job = ask(jobs, chain.fail, {}, how="kill")
    with working(workspace):
        row = over(jobs, job)
    assert row["state"] == "failed"
    assert f"the process of job {job} was killed by SIGKILL" in row["error"]["error"]
    assert workspace.run_row(row["run"])["state"] == "failed"


def test_a_job_that_fails_says_why_with_what_to_do(workspace: Workspace, jobs: Jobs) -> None:
    job = ask(jobs, chain.fail, {}, how="input")
    with working(workspace):
        row = over(jobs, job)
    assert (row["state"], row["error"]["error"], row["error"]["to_do"]) == ("failed", "bad rows", "mend them")
    assert "bad rows" in (folder_of(workspace, job) / "log.txt").read_text()


@pytest.mark.parametrize("interrupts", [True, False], ids=["interrupted", "killed"])
def test_a_job_that_does_not_hear_is_ended_all_the_same(
    workspace: Workspace, jobs: Jobs, tmp_path: Path, interrupts: bool
) -> None:
    note = tmp_path / "note"
    job = ask(jobs, chores.deaf, {}, note=str(note), interrupts=interrupts)
    with working(workspace, grace=0.3):
        until(note.exists)
        jobs.cancel(job)
        row = over(jobs, job)
    assert row["state"] == "cancelled"
    assert workspace.run_row(row["run"])["state"] == "stopped"


def test_a_worker_that_leaves_puts_its_job_back_for_the_next(workspace: Workspace, jobs: Jobs) -> None:
    job = slow_sum(workspace, jobs)
    with working(workspace):
        under_way(workspace, jobs, job)
    assert (jobs.row(job)["state"], jobs.row(job)["tries"]) == ("queued", 0)
    with working(workspace):
        row = over(jobs, job)
    assert row["state"] == "finished"
    assert int(workspace.logs(row["run"])[0]["text"].split()[-1]) > 0


WORKER = """
import sys
from aimass.console.jobs.worker import Worker
from aimass.runner.workspace import Workspace
sys.path[:] = sys.argv[2].split("|")
Worker(Workspace(sys.argv[1])).run()
"""


def test_a_worker_killed_with_its_job_is_followed_by_one_that_goes_on(workspace: Workspace, jobs: Jobs) -> None:
    job = slow_sum(workspace, jobs)
    dead = subprocess.Popen([sys.executable, "-c", WORKER, str(workspace.folder), "|".join(sys.path)])
    try:
        run = under_way(workspace, jobs, job)
    finally:
        dead.kill()
        dead.wait()
    assert jobs.row(job)["state"] == "running"  # nobody could say otherwise
    with working(workspace):  # which need not wait for the lease of 20 s: it sees that the process is gone
        row = over(jobs, job)
    assert (row["state"], row["tries"]) == ("finished", 2)
    assert row["run"] != run and workspace.run_row(run)["state"] == "failed"
    assert int(workspace.logs(row["run"])[0]["text"].split()[-1]) > 0


def test_a_job_that_became_anothers_is_let_go_at_once(workspace: Workspace, jobs: Jobs, tmp_path: Path) -> None:
    note = tmp_path / "note"
    job = ask(jobs, chores.deaf, {}, note=str(note))
    with working(workspace) as worker:
        until(note.exists)
        jobs.forfeit(job, worker.holder)
        assert jobs.claim("another") is not None
        until(lambda: workspace.run_row(jobs.row(job)["run"] or workspace.runs()[0]["id"])["state"] == "failed")
    assert (jobs.row(job)["state"], jobs.row(job)["holder"]) == ("running", "another")


def test_the_process_of_a_job_ends_with_its_worker(workspace: Workspace, jobs: Jobs, tmp_path: Path) -> None:
    job = ask(jobs, chores.deaf, {}, note=str(tmp_path / "note"))
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(workspace.folder), "|".join(sys.path)])
    try:
        until((tmp_path / "note").exists)
        pid = workspace.run_row(until(lambda: jobs.row(job)["run"]))["pid"]
        os.kill(pid, 0)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_project_is_carried_out_from_its_text(workspace: Workspace, jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
    source = f'{{ use = "csv", path = "{tmp_path}/rows.csv" }}'
    text = f'name = "p"\n[steps.rows]\ndo = "collect"\nname = "p/rows"\nsource = {source}\n'
    job = jobs.ask("project", {"text": text}, label="p")["id"]
    with working(workspace):
        row = over(jobs, job)
    assert row["state"] == "finished", row["error"]
    assert workspace.open(row["outcome"]["artifacts"]["rows"]).facts["rows"] == 2


def test_a_project_that_cannot_be_fails_with_its_line(workspace: Workspace, jobs: Jobs) -> None:
    job = jobs.ask("project", {"text": 'name = "p"\n[goal]\ntarget = "t"\n[collect]\nuse = "cvs"\n'})["id"]
    with working(workspace):
        row = over(jobs, job)
    assert row["state"] == "failed"
    assert "aimass.toml:5:" in row["error"]["error"] and "did you mean 'csv'" in row["error"]["error"]
