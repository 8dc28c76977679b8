"""From a file and wishes to a project file that a job carries out, and what a job tells of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.console.conftest import Guest
from tests.runner import chain
from tests.runner.test_runners import task_of
from tests.whole import tiny

from aimass.console.jobs import story
from aimass.console.jobs.attempt import folder_of
from aimass.console.jobs.outside import reaches_outside
from aimass.console.jobs.work import data_of
from aimass.console.jobs.worker import Worker
from aimass.console.place import Place
from aimass.project import plan
from aimass.project.file import load

DRAFT, JOBS = "/api/v1/projects/draft", "/api/v1/jobs"
WISH = {"file": "Rows of May.csv", "target": "bought", "floor": 0.8, "p99_ms": 5, "size_mb": 0.5, "minutes": 2.5,
        "clients": 8, "prefer": "size", "metric": "f1"}  # fmt: skip


@pytest.fixture
def data(place: Place) -> Path:
    """The data folder, with a file in it."""
    folder = data_of(place.workspace)
    folder.mkdir()
    (folder / "Rows of May.csv").write_text("\n".join([tiny.HEADER, *tiny.lines(100)]) + "\n")
    return folder


def test_wishes_become_a_project_file_that_plans_and_stays_inside(guest: Guest, data: Path, tmp_path: Path) -> None:
    operator = guest("operator")
    made = operator.post(DRAFT, json=WISH)
    assert made.status_code == 200, made.text
    draft = made.json()
    assert (draft["name"], draft["task"], draft["metric"], draft["versions"]) == ("rows-of-may", "binary", "f1", 0)
    assert not reaches_outside("project", {"text": draft["text"]})
    (tmp_path / "aimass.toml").write_text(draft["text"])
    project = load(tmp_path / "aimass.toml", folder=data)
    plan.check(project)
    goal = {
        name: project.tables["goal"][name] for name in ("target", "floor", "p99_ms", "size_mb", "clients", "prefer")
    }
    assert goal == {name: WISH[name] for name in goal} and project.spend.minutes == 2.5
    assert project.tables["collect"]["path"] == str(data / "Rows of May.csv")
    assert operator.post(JOBS, json={"project": {"text": draft["text"]}}).status_code == 201
    bare = operator.post(DRAFT, json={"file": WISH["file"], "target": "size"}).json()
    assert (bare["task"], bare["metric"]) == ("regression", "rmse") and "\n# floor = " in bare["text"]


CANNOT_BE = (
        ({"target": "buoght"}, "target"), ({"target": "note"}, "target"), ({"metric": "rmse"}, "metric"),
        ({"metric": "f2"}, "metric"), ({"metric": "os:system"}, "metric"), ({"p99_ms": -1}, "p99_ms"),
        ({"minutes": 0}, "minutes"), ({"clients": 0}, "clients"), ({"size_mb": 0}, "size_mb"), ({"file": ""}, "file"),
        ({"prefer": "luck"}, "prefer"),
)  # fmt: skip


def test_a_wish_that_cannot_be_is_told_by_its_field(admin: TestClient, data: Path) -> None:
    for change, key in CANNOT_BE:
        done = admin.post(DRAFT, json={**WISH, **change})
        assert (done.status_code, done.json()["key"]) == (422, key), done.text


def test_a_file_that_is_not_there_is_not_drafted_from(admin: TestClient, data: Path) -> None:
    for name in ("nothing.csv", "../catalog.db", "/etc/passwd"):
        assert admin.post(DRAFT, json={**WISH, "file": name}).status_code == 404


def test_metrics_are_told_with_what_they_judge(admin: TestClient) -> None:
    rows = {row["name"]: row for row in admin.get("/api/v1/projects/metrics").json()["rows"]}
    assert rows["roc_auc"]["better"] == "higher" and rows["rmse"] == {
        "name": "rmse", "tasks": ["regression"], "better": "lower"}  # fmt: skip


def test_a_job_tells_its_runs_in_the_order_they_began(admin: TestClient, place: Place) -> None:
    work = {"task": json.loads(task_of(chain.make, {}, rows=3).to_json())}
    job = admin.post(JOBS, json=work).json()["id"]
    assert admin.get(f"{JOBS}/{job}/story").json()["steps"] == []
    worker = Worker(place.workspace)
    row = worker.jobs.claim(worker.holder)
    assert row is not None
    worker.see_through(row)
    told = admin.get(f"{JOBS}/{job}/story").json()
    [step] = told["steps"]
    assert (step["run"], step["state"], told["ledger"], told["minutes"]) == (1, "finished", None, None)
    assert admin.get(f"{JOBS}/99/story").status_code == 404


def test_a_story_begins_again_with_its_job_and_a_torn_line_says_nothing(admin: TestClient, place: Place) -> None:
    text = 'name = "p"\n[collect]\nuse = "csv"\npath = "x.csv"\n[goal]\ntarget = "y"\n[spend]\nminutes = 3\n'
    job = admin.post(JOBS, json={"project": {"text": text}}).json()["id"]
    folder = folder_of(place.workspace, job)
    folder.mkdir(parents=True)
    heard = ['{"kind": "begun"}', '{"kind": "started", "run": "9", "digest": null}', '{"kind": "fin']
    (folder / story.FILE).write_text("\n".join(heard))
    story.begin(folder)
    assert story.told(folder) == []
    about = admin.get(f"{JOBS}/{job}/story").json()
    assert (about["name"], about["file"], about["target"], about["minutes"]) == ("p", "x.csv", "y", 3)
