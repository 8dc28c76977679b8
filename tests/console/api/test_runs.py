"""Runs, their curves and logs over the API, as the catalog has them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from tests.console.conftest import Guest
from tests.store.test_catalog import manifest

from aimass.console.access import audit
from aimass.core.task import Task
from aimass.store import tables as t
from aimass.store.catalog import Catalog

PREPARE = Task("prepare", 1, {"split": 0.2}, {"dataset": "d" * 64}, label="flights")
TRAIN = Task("train", 1, {"model": {"use": "mlp"}}, {"examples": "e" * 64}, 3, "<script>alert(1)</script>")


@pytest.fixture
def run(catalog: Catalog) -> int:
    """A training that runs, of examples that another run has made."""
    catalog.add_artifact(manifest("e", kind="examples"))
    made = catalog.start_run(PREPARE)
    catalog.end_run(made, "finished", output="e" * 64)
    run = catalog.start_run(TRAIN)
    catalog.add_metrics(run, [("loss", float(i), 1 / (1 + i)) for i in range(1000)])
    return int(run)


def get(client: TestClient, path: str, **params: Any) -> Any:
    done = client.get(f"/api/v1{path}", params=params)
    assert done.status_code == 200, done.text
    return done.json()


def test_the_list_has_what_a_table_shows(admin: TestClient, run: int) -> None:
    found = get(admin, "/runs")
    assert (found["total"], found["next"]) == (2, None)
    row = found["rows"][0]
    assert (row["id"], row["step"], row["state"], row["ended"], row["error"]) == (run, "train", "running", None, None)
    assert row["metrics"] == {"loss": 0.001} and row["seconds"] >= 0
    assert row["label"] == "<script>alert(1)</script>", "as it is: pages write it as text"
    assert get(admin, "/runs", state="finished,failed", step="prepare", text="FLI")["total"] == 1
    first = get(admin, "/runs", limit=1, sort="label")
    assert get(admin, "/runs", limit=1, sort="label", after=first["next"])["rows"][0]["id"] == run - 1


@pytest.mark.parametrize(
    "params", [{"sort": "pid"}, {"after": "x"}, {"limit": 0}, {"limit": 10**9}, {"text": "x" * 999}]
)
def test_a_list_that_is_none_is_refused_in_words(admin: TestClient, params: dict[str, Any]) -> None:
    done = admin.get("/api/v1/runs", params=params)
    assert done.status_code == 422 and done.json()["error"]


def test_what_its_machine_did_is_among_the_curves_of_a_run_and_not_among_its_figures(
    admin: TestClient, catalog: Catalog, run: int
) -> None:
    catalog.add_metrics(str(run), [("machine/run_memory_gb", None, gb) for gb in (0.5, 2.0, 1.0)])
    catalog.add_metrics(str(run), [("score", None, 0.5)])
    told = get(admin, f"/runs/{run}")
    assert told["names"] == ["loss", "machine/run_memory_gb", "score"]
    assert told["metrics"].keys() == {"loss", "score"} and told["memory_gb"] == 2.0
    assert get(admin, "/runs")["rows"][0]["memory_gb"] == 2.0
    curves = get(admin, f"/runs/{run}/curves")["curves"]
    assert list(curves) == ["loss", "score", "machine/run_memory_gb"], "what it reported itself comes first"
    assert [point[3] for point in curves["machine/run_memory_gb"]["points"]] == [0.5, 2.0, 1.0]


def test_a_run_is_told_with_its_task_and_what_is_near(admin: TestClient, catalog: Catalog, run: int) -> None:
    catalog.add_artifact(manifest("a", "e" * 64))
    catalog.end_run(str(run), "finished", output="a" * 64)
    found = get(admin, f"/runs/{run}")
    assert found["task"] == {"step": "train", "settings": TRAIN.settings, "inputs": TRAIN.inputs, "seed": 3}
    assert found["names"] == ["loss"] and found["children"] == []
    assert found["parents"] == [
        {"digest": "e" * 64, "kind": "examples", "run": run - 1, "step": "train", "label": "flights"}
    ]
    [child] = get(admin, f"/runs/{run - 1}")["children"]
    assert (child["digest"], child["kind"], child["run"]) == ("a" * 64, "model", run)


def test_a_failed_run_says_why(admin: TestClient, catalog: Catalog, run: int) -> None:
    catalog.end_run(
        str(run), "failed", error={"error": "out of memory", "to_do": "smaller batches", "type": "TaskFailed"}
    )
    assert get(admin, f"/runs/{run}")["error"]["to_do"] == "smaller batches"


@pytest.mark.parametrize("id", ["999", "0", str((1 << 63) - 1)])
@pytest.mark.parametrize("what", ["", "/curves", "/logs"])
def test_a_run_that_is_not_there_is_said_to_be(admin: TestClient, id: str, what: str) -> None:
    done = admin.get(f"/api/v1/runs/{id}{what}")
    assert (done.status_code, done.json()["error"]) == (404, f"there is no run {id}")


@pytest.mark.parametrize("id", ["x", "-1", str(1 << 63), "1e3", "²", "9" * 400, "..%2f1"])
def test_an_id_that_is_none_is_refused(admin: TestClient, id: str) -> None:
    assert admin.get(f"/api/v1/runs/{id}").status_code in (404, 422)


def test_curves_are_short_and_say_so(admin: TestClient, run: int) -> None:
    found = get(admin, f"/runs/{run}/curves", points=100)
    assert found["through"] == 1000
    curve = found["curves"]["loss"]
    assert (curve["by"], curve["count"], curve["exact"], len(curve["points"])) == ("at", 1000, False, 100)
    assert curve["points"][0][2] == 1.0 and curve["points"][-1] == [999, 0.001, pytest.approx(1 / 991), 0.001]
    part = get(admin, f"/runs/{run}/curves", low=10, high=20)["curves"]["loss"]
    assert part["exact"] and [point[0] for point in part["points"]] == list(range(10, 21))
    assert get(admin, f"/runs/{run}/curves", x="time")["curves"]["loss"]["by"] == "time"


def test_a_figure_that_is_not_there_is_said_to_be(admin: TestClient, run: int) -> None:
    done = admin.get(f"/api/v1/runs/{run}/curves", params={"names": "los"})
    assert done.status_code == 422 and "did you mean 'loss'?" in done.json()["error"]
    for params in ({"low": "nan"}, {"high": "inf"}, {"points": 1}, {"names": ",".join(map(str, range(65)))}):
        assert admin.get(f"/api/v1/runs/{run}/curves", params=params).status_code == 422


def test_logs_are_read_on_from_the_end_and_by_text(admin: TestClient, catalog: Catalog, run: int) -> None:
    for i in range(10):
        catalog.add_log(str(run), f"line {i} 100%" if i % 2 else f"<img src=x onerror=alert({i})>")
    first = get(admin, f"/runs/{run}/logs", limit=6)
    rest = get(admin, f"/runs/{run}/logs", limit=6, after=first["next"])
    assert [len(first["lines"]), len(rest["lines"]), rest["next"]] == [6, 4, None]
    assert rest["lines"][-1]["text"] == "line 9 100%"
    assert get(admin, f"/runs/{run}/logs", limit=2, before=1 << 62)["lines"] == rest["lines"][-2:]
    assert len(get(admin, f"/runs/{run}/logs", text="LINE")["lines"]) == 5
    assert get(admin, f"/runs/{run}/logs", text="1%0")["lines"] == []


def test_a_run_is_stopped_once_and_the_audit_tells(guest: Guest, catalog: Catalog, run: int) -> None:
    operator = guest("operator")
    done = operator.post(f"/api/v1/runs/{run}/stop")
    assert (done.status_code, done.json()["state"]) == (202, "stopping")
    again = operator.post(f"/api/v1/runs/{run}/stop")
    assert (again.status_code, again.json()["error"]) == (409, f"run {run} is stopping")
    assert operator.post("/api/v1/runs/999/stop").status_code == 404
    [entry] = audit.entries(catalog, what="runs.stop")
    assert (entry["who"], entry["subject"], entry["after"]) == ("operator", str(run), {"state": "stopping"})


def test_a_task_of_a_newer_version_hides_neither_the_list_nor_the_run(
    admin: TestClient, catalog: Catalog, run: int
) -> None:
    odd = {"step": "train", "revision": 1, "settings": {}, "inputs": {}, "seed": 0, "label": "x", "tomorrow": 1}
    catalog.write(sa.update(t.run).where(t.run.c.id == run).values(task_json=json.dumps(odd)))
    assert get(admin, "/runs")["total"] == 2
    assert get(admin, f"/runs/{run}")["task"]["step"] == "train"
