"""Many runs are stopped or go on at once; each is told by itself how it went."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from tests.console import chores
from tests.console.conftest import Guest
from tests.runner.test_runners import task_of

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.grants import over_all
from aimass.console.api import bulk
from aimass.console.jobs.worker import Worker
from aimass.console.place import Place
from aimass.core.task import Task
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.catalog import Catalog
from aimass.store.jobs import Jobs

TASK = Task("train", 1, {"model": {"use": "mlp"}}, {"examples": "e" * 64}, label="flights")


def post(client: TestClient, what: str, *runs: int | str) -> list[dict[str, Any]]:
    done = client.post(f"/api/v1/runs/{what}", json={"runs": [int(run) for run in runs]})
    assert done.status_code == 202, done.text
    rows: list[dict[str, Any]] = done.json()["rows"]
    return rows


def test_runs_are_stopped_together_and_those_that_are_not_say_why(guest: Guest, catalog: Catalog) -> None:
    one, other, over = (catalog.start_run(TASK) for _ in range(3))
    catalog.end_run(over, "finished")
    rows = post(guest("operator"), "stop", one, over, other, one, 999)
    assert [row["state"] for row in rows] == ["stopping", "finished", "stopping", "missing"]
    assert [row["error"] for row in rows] == [None, f"run {over} is finished", None, "there is no run 999"]
    assert [catalog.run_row(run)["state"] for run in (one, other, over)] == ["stopping", "stopping", "finished"]
    told = audit.entries(catalog, what="runs.stop")
    assert {entry["subject"] for entry in told} == {one, other}


def test_what_failed_or_was_stopped_goes_on_as_jobs_with_the_same_task(guest: Guest, catalog: Catalog) -> None:
    failed, stopped, over = (catalog.start_run(TASK) for _ in range(3))
    for run, state in ((failed, "failed"), (stopped, "stopped"), (over, "finished")):
        catalog.end_run(run, state)
    rows = post(guest("operator"), "resume", failed, stopped, over)
    assert [bool(row["job"]) for row in rows] == [True, True, False] and "only what failed" in rows[2]["error"]
    jobs = Jobs(catalog)
    assert {jobs.row(row["job"])["label"] for row in rows[:2]} == {"flights"}
    assert jobs.row(rows[0]["job"])["work"] == json.loads(TASK.to_json())


def test_a_run_of_a_job_goes_on_as_that_job(admin: TestClient, place: Place) -> None:
    jobs = Jobs(place.catalog)
    work = json.loads(task_of(chores.wrong, {}, note="x").to_json())
    job = jobs.ask("task", work, label="rows", who="ada")["id"]
    worker = Worker(place.workspace)
    row = jobs.claim(worker.holder)
    assert row is not None
    worker.see_through(row)
    run = jobs.row(job)["run"]
    [told] = post(admin, "resume", run)
    assert told["job"] == job and jobs.row(job)["state"] == "queued"


def test_who_asks_twice_is_told_of_the_same_job(admin: TestClient, guest: Guest, place: Place) -> None:
    run, later = (place.catalog.start_run(TASK) for _ in range(2))
    for one in (run, later):
        place.catalog.end_run(one, "failed")
    told = [row["job"] for row in (*post(admin, "resume", run, later), *post(guest("operator"), "resume", run))]
    jobs = Jobs(place.catalog)
    assert told == [jobs.rows()[0]["id"]] * 3 and len(jobs.rows()) == 1
    assert len(audit.entries(place.catalog, what="jobs.")) == 1
    assert jobs.claim("worker") is not None
    again = place.catalog.start_run(TASK)
    jobs.at_run(told[0], "worker", again)
    assert post(admin, "resume", run)[0]["job"] == told[0], "an old page does not begin it again"


def test_a_run_that_goes_on_is_saved_as_what_was_asked_for(admin: TestClient, place: Place) -> None:
    jobs, work = Jobs(place.catalog), {**json.loads(TASK.to_json()), "save_as": "flights/best"}
    job = jobs.ask("task", work, label="mine", who="ada")["id"]
    first, second = (place.catalog.start_run(TASK) for _ in range(2))
    for one in (first, second):  # it was begun, failed, went on and failed again
        assert jobs.claim("worker") is not None
        jobs.at_run(job, "worker", one)
        place.catalog.end_run(one, "failed")
        jobs.end(job, "worker", "failed")
        if one == first:
            jobs.resume(job)
    assert [row["job"] for row in post(admin, "resume", first)] == [job]
    assert (jobs.row(job)["work"], jobs.row(job)["state"]) == (work, "queued")


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_two_who_ask_at_once_get_one_job(
    database: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite = f"sqlite:///{tmp_path / 'catalog.db'}"
    space = Workspace(tmp_path, catalog=sqlite if database == "sqlite" else request.getfixturevalue("postgres_url"))
    catalog = space.catalog
    run, found, both = catalog.start_run(TASK), bulk._job, threading.Barrier(2)
    catalog.end_run(run, "failed")

    def together(*of: Any) -> Any:
        job = found(*of)
        with suppress(threading.BrokenBarrierError):
            both.wait(0.3)  # for the other to see that there is none: who waits for a lock never comes
        return job

    monkeypatch.setattr(bulk, "_job", together)
    with ThreadPoolExecutor(2) as pool:
        callers = [Caller(name, over_all("admin")) for name in ("ada", "bob")]
        told = list(pool.map(lambda caller: bulk._resumed(space, int(run), caller), callers))
    assert told[0]["job"] and told[0] == told[1] and len(Jobs(catalog).rows()) == 1
    catalog.engine.dispose()


def test_an_operator_lets_nothing_go_on_that_leaves_the_workspace(guest: Guest, catalog: Catalog) -> None:
    outside = catalog.start_run(Task("tests.console.chores:grow", 1, {}, {}))
    mine = catalog.start_run(TASK)
    odd = catalog.start_run(replace(TASK, seed=1))
    for run in (outside, mine, odd):
        catalog.end_run(run, "failed")
    catalog.write(sa.update(t.run).where(t.run.c.id == int(odd)).values(task_json='{"step": "x", "tomorrow": 1}'))
    rows = post(guest("operator"), "resume", outside, mine, odd)
    assert "import path" in rows[0]["error"] and rows[1]["job"] and rows[2]["error"] == "not a task"


@pytest.mark.parametrize("body", [{}, {"runs": []}, {"runs": ["x"]}, {"runs": [-1]}, {"runs": list(range(501))}])
def test_a_list_that_is_none_is_refused(admin: TestClient, body: Any) -> None:
    assert admin.post("/api/v1/runs/stop", json=body).status_code == 422
