"""The description of the API is true: whatever fits it, or does not, is answered as described, and nothing fails us."""

from __future__ import annotations

from collections.abc import Iterator
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
from tests.console import flights, published
from tests.console.endpoints import models
from tests.console.endpoints.beside import beside

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
MANY = 5  # examples of each route that fit, and as many that do not
FEW = 5  # examples of each route about something that is there
UNREAD = "/api/v1/facts/curves"  # Schemathesis 4.32 makes a wrong schema of the tuples that it answers with
PATIENCE = 60.0  # seconds: beyond them a test has failed; who is asked first about a step loads it
NAMELESS = ("compare", "facts", "projects")  # resources whose things are named in queries and bodies
Known = dict[str, dict[str, Any]]


@pytest.fixture
def described(app: FastAPI, admin: TestClient, place: Place, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The API with something in it, and a key that may do all."""
    run = catalog.start_run(Task("train", 1, {"model": {"use": "mlp"}}, {"examples": "e" * 64}))
    catalog.add_metrics(run, [("loss", float(i), 1 / (1 + i)) for i in range(20)])
    catalog.add_log(run, "a line")
    monkeypatch.setattr(place.attempts, "take", lambda name, address: 0.0)
    key = admin.post("/api/v1/keys", json={"name": "examples", "role": "admin"}).json()["key"]
    loaded = schemathesis.openapi.from_asgi(OPENAPI, app)
    loaded.config.update(headers={"authorization": f"Bearer {key}"}, request_timeout=PATIENCE)
    return loaded


@pytest.fixture
def known(admin: TestClient, place: Place, tmp_path: Path) -> Iterator[Known]:
    """What is there, by the name under which a request speaks of it, for each resource that has some."""
    space = place.workspace
    published.registry(space)
    (tmp_path / "incoming").mkdir()
    raw = flights.collected(space, tmp_path / "incoming")
    older, newer = flights.cleaned(space, raw)
    for number in (1, 2):
        models.publish(space, models.customers(tmp_path / f"customers-{number}"), "customers")
    data_of(space).mkdir()
    (data_of(space) / "rows.csv").write_text("a,b\n" + "1,x\n2,y\n" * 20)
    upload = admin.post("/api/v1/uploads", json={"name": "more.csv", "size": 3}).json()["id"]
    admin.post("/api/v1/users", json={"name": "eve", "password": "correct horse battery", "role": "viewer"})
    job = admin.post("/api/v1/jobs", json={"project": {"text": 'name = "p"'}}).json()["id"]
    key = admin.post("/api/v1/keys", json={"name": "another", "role": "viewer"}).json()["id"]
    ledger = next(row["digest"] for row in space.artifacts("report") if row["step"] == "choose")
    trained = (space.open(row["digest"]) for row in space.artifacts("model"))
    advised = next(model.digest for model in trained if "advice.json" in model.manifest.files)
    endpoint = {"name": "customers", "version": "1", "records": models.PEOPLE, "explain": {"budget_ms": 20.0}}
    with beside(space, {"customers": "1"}):
        yield {
            "runs": {"id": 1}, "compare": {"runs": "1"}, "jobs": {"job": job}, "steps": {"step": "train"},
            "files": {"name": "rows.csv"}, "uploads": {"id": upload},
            "projects": {"file": "rows.csv", "target": "b"}, "sources": {"name": "flights/flights"},
            "datasets": {"digest": newer.digest, "against": older.digest}, "artifacts": {"digest": newer.digest},
            "facts": {"ref": ledger, "name": "ledger.json", "run": "1"},
            "models": {"name": "flights", "number": 2, "alias": "champion", "version": 2},
            "ledgers": {"digest": ledger}, "advice": {"digest": advised},
            "endpoints": endpoint, "playground": endpoint, "users": {"name": "eve"}, "keys": {"id": key},
        }  # fmt: skip


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


def test_what_is_there_is_answered_as_described_whatever_is_asked_of_it(described: Any, known: Known) -> None:
    """Names that are made up mostly lead to 404: here they are of things that exist."""
    operations = sorted((found.ok() for found in described.get_all_operations()), key=turn)
    resources, never = set(), set()
    for operation in operations:
        resource = operation.path.split("/")[3]
        if resource in known and ("{" in operation.path or resource in NAMELESS) and operation.path != UNREAD:
            resources.add(resource)
            if answers(operation, known[resource]) == {404}:
                never.add(operation.label)
    assert resources == set(known)
    assert not never, f"nothing was there: {sorted(never)}"


def turn(operation: Any) -> int:
    """Who looks comes first, who removes last."""
    return {"get": 0, "delete": 2}.get(operation.method, 1)


def answers(operation: Any, there: dict[str, Any]) -> set[int]:
    """What OPERATION answers, asked about what is THERE."""
    seen = set()

    @settings(max_examples=FEW, derandomize=True, suppress_health_check=list(HealthCheck), deadline=None)
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def ask(case: Any) -> None:
        for part in ("path_parameters", "query", "body"):
            if isinstance(said := getattr(case, part), dict):
                setattr(case, part, {**said, **{name: there[name] for name in said.keys() & there.keys()}})
        seen.add(case.call_and_validate(checks=CHECKS).status_code)

    ask()
    return seen


def test_the_types_of_the_front_end_are_made_of_this_api() -> None:
    kept = Path(__file__).parents[2] / "frontend" / "openapi.json"
    assert kept.read_text(encoding="utf-8") == described_api(), "make openapi"
