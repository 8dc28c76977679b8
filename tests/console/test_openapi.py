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
from aimass.console.place import Place
from aimass.core.task import Task
from aimass.store.catalog import Catalog

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
MANY = 5  # examples of each route that fit, and as many that do not


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
    assert asked >= (19 if mode is GenerationMode.POSITIVE else 10)


def test_the_types_of_the_front_end_are_made_of_this_api() -> None:
    kept = Path(__file__).parents[2] / "frontend" / "openapi.json"
    assert kept.read_text(encoding="utf-8") == described_api(), "make openapi"
