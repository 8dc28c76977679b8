"""Runs beside each other over the API: what they were told, what came of it, their curves on one axis."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from aimass.core.task import Task
from aimass.store import tables as t
from aimass.store.catalog import Catalog


@pytest.fixture
def runs(catalog: Catalog) -> list[int]:
    """Three runs that differ in their rate; the last reports nothing."""
    found = []
    for number, rate in enumerate((0.1, 0.2, 0.3)):
        run = catalog.start_run(
            Task("train", 1, {"recipe": {"use": "gradient", "learning_rate": rate}}, {}, number, "x")
        )
        if number < 2:
            falling = [("loss", float(i), (1 + number) / (1 + i)) for i in range(1000)]
            catalog.add_metrics(run, [*falling, ("auc", None, 0.5 + rate)])
        found.append(int(run))
    begun = "2026-01-01T00:00:00.000000+00:00"
    seconds = 1767225600.0 + sa.func.coalesce(t.metric.c.at, 0)
    catalog.write(sa.update(t.run).values(started=begun), sa.update(t.metric).values(time=seconds))
    return found


def get(client: TestClient, path: str, **params: Any) -> Any:
    done = client.get(f"/api/v1/compare{path}", params=params)
    assert done.status_code == 200, done.text
    return done.json()


def test_runs_come_in_the_order_asked_for_with_tasks_and_summed_figures(admin: TestClient, runs: list[int]) -> None:
    found = get(admin, "", runs=f"{runs[2]},{runs[0]},99,{runs[0]}")
    assert [run["id"] for run in found["runs"]] == [runs[2], runs[0]] and found["missing"] == [99]
    assert found["runs"][0]["figures"] == {} and found["runs"][0]["task"]["seed"] == 2
    first = found["runs"][1]
    assert first["task"]["settings"]["recipe"]["learning_rate"] == 0.1
    assert first["figures"]["loss"] == {
        "value": 0.001, "at": 999, "count": 1000, "least": 0.001, "least_at": 999, "greatest": 1.0, "greatest_at": 0,
    }  # fmt: skip
    assert first["figures"]["auc"]["at"] is None


def test_a_figure_of_several_runs_is_told_as_curves_of_those_that_have_it(admin: TestClient, runs: list[int]) -> None:
    named = ",".join(map(str, runs))
    found = get(admin, "/curves", runs=named, name="loss", points=50)
    assert list(found["curves"]) == [str(runs[0]), str(runs[1])]
    for number, curve in enumerate(found["curves"].values()):
        assert (curve["by"], curve["count"], curve["exact"], len(curve["points"])) == ("at", 1000, False, 50)
        assert curve["points"][0][2] == 1.0 + number
    part = get(admin, "/curves", runs=named, name="loss", low=10, high=20)["curves"][str(runs[1])]
    assert part["exact"] and [point[0] for point in part["points"]] == list(range(10, 21))
    assert get(admin, "/curves", runs=named, name="nothing")["curves"] == {}


def test_over_time_each_curve_begins_where_its_run_began(admin: TestClient, runs: list[int]) -> None:
    curve = get(admin, "/curves", runs=str(runs[0]), name="loss", x="since", low=5, high=8)["curves"][str(runs[0])]
    assert curve["by"] == "since" and [point[0] for point in curve["points"]] == [5, 6, 7, 8]


@pytest.mark.parametrize("named", ["", ",", "1,x", "-1", "1.5", "²", "9" * 30, ",".join(map(str, range(201)))])
def test_what_names_no_runs_is_refused_in_words(admin: TestClient, named: str) -> None:
    done = admin.get("/api/v1/compare", params={"runs": named})
    assert done.status_code == 422 and done.json()["error"]


def test_too_many_curves_are_refused(admin: TestClient) -> None:
    params = {"runs": ",".join(map(str, range(21))), "name": "loss"}
    done = admin.get("/api/v1/compare/curves", params=params)
    assert (done.status_code, done.json()["expected"]) == (422, "at most 20")
