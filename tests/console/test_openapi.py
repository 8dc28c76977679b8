"""The description of the API is true: whatever fits it, or does not, is answered as described, and nothing fails us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from starlette.testclient import TestClient

from aimass.console.app import OPENAPI
from aimass.console.describe import described as described_api
from aimass.console.jobs.work import data_of
from aimass.console.place import Place
from aimass.core.task import Task
from aimass.store.catalog import Catalog

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
MANY = 5  # examples of each route that fit, and as many that do not
FEW = 3  # examples of each route about something that is there


@pytest.fixture
def described(app: FastAPI, admin: TestClient, place: Place, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The API with something in it, and a key that may do all."""
    run = catalog.start_run(Task("train", 1, {"model": {"use": "mlp"}}, {"examples": "e" * 64}))
    catalog.add_metrics(run, [("loss", float(i), 1 / (1 + i)) for i in range(20)])
    catalog.add_log(run, "a line")
    monkeypatch.setattr(place.attempts, "take", lambda name, address: 0.0)
    key = admin.post("/api/v1/keys", json={"name": "examples", "role": "admin"}).json()["key"]
    loaded = schemathesis.openapi.from_asgi(OPENAPI, app)
    loaded.config.update(headers={"authorization": f"Bearer {key}"})
    return loaded


@pytest.fixture
def known(admin: TestClient, place: Place) -> dict[str, Any]:
    """What a path of each resource may begin with: something that is there."""
    data_of(place.workspace).mkdir()
    (data_of(place.workspace) / "rows.csv").write_text("a,b\n" + "1,x\n2,y\n" * 20)
    upload = admin.post("/api/v1/uploads", json={"name": "more.csv", "size": 3}).json()["id"]
    admin.post("/api/v1/users", json={"name": "eve", "password": "correct horse battery", "role": "viewer"})
    job = admin.post("/api/v1/jobs", json={"project": {"text": 'name = "p"'}}).json()["id"]
    return {"runs": 1, "files": "rows.csv", "uploads": upload, "users": "eve", "jobs": job}


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_whatever_is_sent_is_answered_as_described(described: Any, mode: GenerationMode) -> None:
    asked = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(max_examples=MANY, derandomize=True, suppress_health_check=list(HealthCheck), deadline=None)
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        try:
            ask()
        except Unsatisfiable:  # nothing about this route can be wrong
            continue
        asked += 1
    every = len(list(described.get_all_operations()))
    assert asked == every if mode is GenerationMode.POSITIVE else asked >= every // 2


def test_what_is_there_is_answered_as_described_whatever_is_asked_of_it(described: Any, known: dict[str, Any]) -> None:
    """Names that are made up mostly lead to 404: here those in paths are of things that exist."""
    asked = 0
    for found in described.get_all_operations():
        operation = found.ok()
        for name in (one for one in known if operation.path.startswith(f"/api/v1/{one}/{{")):
            ask_about(operation, known[name])
            asked += 1
    assert asked >= len(known)


def ask_about(operation: Any, there: Any) -> None:
    """OPERATION, whose path begins with THERE."""

    @settings(max_examples=FEW, derandomize=True, suppress_health_check=list(HealthCheck), deadline=None)
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def ask(case: Any) -> None:
        case.path_parameters = {**case.path_parameters, next(iter(case.path_parameters)): there}
        case.call_and_validate(checks=CHECKS)

    ask()


def test_the_types_of_the_front_end_are_made_of_this_api() -> None:
    kept = Path(__file__).parents[2] / "frontend" / "openapi.json"
    assert kept.read_text(encoding="utf-8") == described_api(), "make openapi"
