"""Jobs over the API: asked for, seen, cancelled, resumed; what leaves the workspace is an admin's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.console.conftest import Guest
from tests.runner import chain
from tests.runner.test_runners import task_of

from aimass.console.access import audit
from aimass.console.jobs.attempt import log_of
from aimass.console.jobs.worker import Worker
from aimass.console.place import Place
from aimass.store.catalog import Catalog
from aimass.store.jobs import Jobs

JOBS = "/api/v1/jobs"
PROJECT = {"project": {"text": 'name = "p"\n[steps.rows]\ndo = "collect"\nname = "p/rows"\nsource = "csv"\n'}}


def task(**settings: Any) -> dict[str, Any]:
    return {"task": json.loads(task_of(chain.make, {}, **settings).to_json())}


def test_a_job_is_asked_for_carried_out_and_told_of(admin: TestClient, place: Place) -> None:
    made = admin.post(JOBS, json=task(rows=3))
    assert made.status_code == 201, made.text
    job = made.json()
    assert (job["state"], job["who"], job["kind"], job["seconds"], job["run"]) == ("queued", "ada", "task", None, None)
    worker = Worker(place.workspace)
    row = worker.jobs.claim(worker.holder)
    assert row is not None
    worker.see_through(row)
    told = admin.get(f"{JOBS}/{job['id']}").json()
    assert told["state"] == "finished" and told["run"] == "1" and told["seconds"] > 0
    assert told["work"]["settings"] == {"rows": 3}
    listed = admin.get(JOBS).json()
    assert [one["id"] for one in listed["rows"]] == [job["id"]] and listed["counts"] == {"finished": 1}
    said = admin.get(f"{JOBS}/{job['id']}/log").json()
    assert "started" in said["text"]
    assert admin.get(f"{JOBS}/{job['id']}/log?at={said['next']}").json() == {"text": "", "next": said["next"]}


def test_a_job_is_cancelled_and_resumed_and_the_audit_tells(admin: TestClient, catalog: Catalog) -> None:
    job = admin.post(JOBS, json=PROJECT).json()["id"]
    assert admin.post(f"{JOBS}/{job}/resume").status_code == 409
    cancelled = admin.post(f"{JOBS}/{job}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    assert admin.post(f"{JOBS}/{job}/cancel").status_code == 202  # twice is once
    assert admin.post(f"{JOBS}/{job}/resume").json()["state"] == "queued"
    assert Jobs(catalog).claim("w") is not None
    assert admin.post(f"{JOBS}/{job}/cancel").json()["state"] == "cancelling"
    Jobs(catalog).end(job, "w", "finished")
    done = admin.post(f"{JOBS}/{job}/cancel")
    assert done.status_code == 409 and done.json()["error"] == f"job {job} has finished"
    told = [row["what"] for row in audit.entries(catalog, what="jobs.")]
    assert told == ["jobs.cancel", "jobs.resume", "jobs.cancel", "jobs.ask"]


def test_pages_of_jobs_follow_each_other(admin: TestClient) -> None:
    asked = [admin.post(JOBS, json=PROJECT).json()["id"] for _ in range(5)]
    first = admin.get(f"{JOBS}?limit=3").json()
    second = admin.get(f"{JOBS}?limit=3&before={first['next']}").json()
    assert [row["id"] for row in (*first["rows"], *second["rows"])] == asked[::-1] and second["next"] is None
    assert admin.get(f"{JOBS}?limit=5").json()["next"] is None
    assert admin.get(f"{JOBS}?state=running").json()["rows"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422), ({**PROJECT, **task(rows=1)}, 422), ({"project": {"text": "x = ["}}, 422), ({"shell": "ls"}, 422),
        ({"project": {"text": " "}}, 422), ({"project": {"text": "\0"}}, 422), ({"task": {"step": "x"}}, 422),
        ({"task": {"step": 1, "revision": 1}}, 422), ({"project": {"text": "x = " + "[" * 5000}}, 422),
        ({"project": {"text": "x = " + "9" * 5000}}, 422), ({"task": {"step": "x", "revision": 1, "seed": "y"}}, 422),
    ],
)  # fmt: skip
def test_what_is_no_work_is_refused(admin: TestClient, body: Any, status: int) -> None:
    done = admin.post(JOBS, json=body)
    assert done.status_code == status, done.text
    assert admin.get(JOBS).json()["rows"] == []


@pytest.mark.parametrize("value", ['"\\ud800"', "NaN", "1e999", '"\\u0000"', '{"\\ud800": 1}'])
def test_what_cannot_be_written_down_is_refused(admin: TestClient, value: str) -> None:
    body = f'{{"task": {{"step": "train", "revision": 1, "settings": {{"x": {value}}}}}}}'
    done = admin.post(JOBS, content=body, headers={"content-type": "application/json"})
    assert done.status_code == 422, done.text


def test_only_an_admin_starts_what_leaves_the_workspace(admin: TestClient, guest: Guest) -> None:
    outside = {"project": {"text": '[collect]\nuse = "csv"\npath = "/etc/passwd"'}}
    operator = guest("operator")
    done = operator.post(JOBS, json=outside)
    assert (done.status_code, done.json()["permission"], done.json()["granted_by"]) == (403, "jobs.outside", ["admin"])
    assert "collect.path is the path '/etc/passwd'" in done.json()["error"]
    assert operator.post(JOBS, json=task(rows=1)).status_code == 403  # a step by import path
    assert operator.post(JOBS, json=PROJECT).status_code == 201
    job = admin.post(JOBS, json=outside).json()["id"]
    assert admin.post(f"{JOBS}/{job}/cancel").status_code == 202
    assert operator.post(f"{JOBS}/{job}/resume").status_code == 403


@pytest.mark.parametrize("number", ["x", "999", "-1", "9" * 30, "..%2f..%2fetc", "1%20"])
def test_a_number_that_is_none_is_not_found(admin: TestClient, number: str) -> None:
    for method, path in (("GET", ""), ("GET", "/log"), ("POST", "/cancel"), ("POST", "/resume")):
        assert admin.request(method, f"{JOBS}/{number}{path}").status_code in (404, 405)


def test_a_log_is_cut_between_letters_and_read_anew_when_it_is_shorter(admin: TestClient, place: Place) -> None:
    job = admin.post(JOBS, json=PROJECT).json()["id"]
    log_of(place.workspace, job).parent.mkdir(parents=True)
    log_of(place.workspace, job).write_text("größer als\n数据 " + "é" * 20)
    text, at = "", 0
    while (page := admin.get(f"{JOBS}/{job}/log?at={at}&most=4").json())["text"]:
        text, at = text + page["text"], page["next"]
    assert text == log_of(place.workspace, job).read_text()
    log_of(place.workspace, job).write_text("anew\n")
    assert admin.get(f"{JOBS}/{job}/log?at={at}").json() == {"text": "anew\n", "next": 5}


def test_the_log_of_a_job_that_talks_without_end_stays_in_bounds(
    place: Place, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aimass.console.jobs.worker.JOB", 1000)
    Jobs(catalog).ask("task", task(rows=3)["task"], label="p\n2026-01-01 forged", who="ada")
    worker = Worker(place.workspace)
    row = worker.jobs.claim(worker.holder)
    assert row is not None
    log = log_of(place.workspace, row["id"])
    log.parent.mkdir(parents=True)
    log.write_text("x" * 1001)
    worker.see_through(row)
    assert log.with_name("log.before.txt").read_text().startswith("x" * 1001) and log.stat().st_size < 1001


def test_a_log_with_broken_letters_is_shown_all_the_same(admin: TestClient, place: Place) -> None:
    job = admin.post(JOBS, json=PROJECT).json()["id"]
    assert admin.get(f"{JOBS}/{job}/log").json() == {"text": "", "next": 0}
    log_of(place.workspace, job).parent.mkdir(parents=True)
    log_of(place.workspace, job).write_bytes(b"\xff<script>\n")
    assert admin.get(f"{JOBS}/{job}/log").json() == {"text": "\ufffd<script>\n", "next": 10}
