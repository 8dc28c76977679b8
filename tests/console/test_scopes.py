"""Who has grants over some projects only: every route of the application, with the things of another project.

A route that is new stands in none of the tables below, and fails until it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.testclient import TestClient

from aimass.console.access.roles import WIDE
from aimass.console.access.who import SAFE, rule_of, whose_of
from aimass.console.access.whose import LISTED, NOBODYS
from aimass.console.app import create_app
from aimass.console.place import Place
from aimass.runner.workspace import Workspace
from tests.console.two import API, TEXT, One, ask, filled, holders, path_of, project, secrets, told
from tests.store.conftest import empty_database

Routes = dict[tuple[str, str], APIRoute]
World = tuple[FastAPI, Place, One, One, dict[str, TestClient]]

# What belongs to no project.
PLAIN = {
    "GET /me", "POST /me/view", "DELETE /session", "POST /me/password", "GET /about", "GET /projects/metrics",
    "GET /steps", "GET /steps/{step}", "GET /graph/{name}",
}  # fmt: skip

# Lists, and what names things beside its path: how each is asked about all there is.
LISTS: dict[str, Any] = {
    "GET /advice": {}, "GET /audit": {"limit": 1000}, "GET /datasets": {}, "GET /endpoints": {}, "GET /home": {},
    "GET /jobs": {}, "GET /ledgers": {}, "GET /log": {"limit": 5000}, "GET /log/text": {}, "GET /models": {},
    "GET /runs": {"limit": 1000}, "GET /sources": {},
    "GET /compare": {"runs": "{going}"}, "GET /compare/curves": {"runs": "{going}", "name": "loss_beta"},
    "GET /facts/artifacts": {"limit": 1000}, "GET /facts/runs": {"limit": 1000}, "GET /facts/names": {},
    "GET /facts/versions": {}, "GET /facts/run": {"run": "{going}"}, "GET /facts/curves": {"run": "{going}"},
    "GET /facts/log": {"run": "{going}"},
    "GET /facts/artifact": {"ref": "{clean}"}, "GET /facts/lineage": {"ref": "beta"},
    "GET /facts/file": {"ref": "beta/clean", "name": "dataset.json"},
    "GET /steps/{step}/inputs": {"kind": "model", "limit": 500},
    "POST /steps/{step}/check": {"inputs": {"examples": "{prepare}"}, "settings": {"model": {"use": "linear"}}},
    "POST /runs/stop": {"runs": ["{going}"]}, "POST /runs/resume": {"runs": ["{failed}"]},
    "POST /jobs": {"task": {"step": "prepare", "revision": 1, "inputs": {"dataset": "{clean}"}}},
    "POST /projects/draft": {"file": "beta.csv", "target": "late"},
}  # fmt: skip

# Of what is told by the path: what is asked besides.
ASKED = {
    "GET /datasets/{digest}/difference": {"against": "{collect}"},
    "GET /datasets/{digest}/exports/{format}": {},
    "POST /datasets/{digest}/exports": {"format": "csv"},
    "POST /endpoints/{name}/preview": {"verb": "rollback"}, "POST /endpoints/{name}/act": {"verb": "rollback"},
    "POST /playground/{name}": {"records": [{"a": 1}]}, "PUT /models/{name}/aliases/{alias}": {"version": 1},
    "POST /ledgers/{digest}/publish": {"name": "beta"},
}  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    where = tmp_path_factory.mktemp("two") / "space"
    url = empty_database(request.getfixturevalue("postgres")) if request.param == "postgres" else None
    space = Workspace(where, catalog=url)
    alpha, beta = project(space, "alpha", 1), project(space, "beta", 2)
    app = create_app(space.url)
    place: Place = app.state.place
    every = holders(
        app, place, all=[("*", "admin")], one=[("project:alpha", "admin")],
        mixed=[("project:alpha", "admin"), ("project:beta", "viewer")], source=[("source:alpha/calls", "viewer")],
        nothing=[("project:gamma", "admin")], wide=[("*", "viewer"), ("project:alpha", "operator")],
    )  # fmt: skip
    yield app, place, alpha, beta, every
    for catalog in (space.catalog, place.catalog):
        catalog.engine.dispose()


def routes(app: FastAPI) -> Routes:
    """By method and path below /api/v1."""
    found = [route for route in app.routes if isinstance(route, APIRoute)]
    return {(method, route.path): route for route in found for method in route.methods}


def called(method: str, path: str) -> str:
    return f"{method} {re.sub(':path', '', path.removeprefix(API))}"


def of_things(app: FastAPI) -> Iterator[tuple[str, str, APIRoute]]:
    for (method, path), route in routes(app).items():
        whose = whose_of(route.dependant)
        if whose is not None and whose.key:
            yield method, path, route


def test_every_route_is_of_a_known_kind(world: World) -> None:
    app = world[0]
    seen = set()
    for (method, path), route in routes(app).items():
        rule, whose, name = rule_of(route.dependant), whose_of(route.dependant), called(method, path)
        kinds = [name in PLAIN and whose is NOBODYS, name in LISTS and whose is LISTED, rule in WIDE and whose is None,
                 bool(whose and whose.key and f"{{{whose.key}" in path), str(rule).startswith("anybody: ")]  # fmt: skip
        assert kinds.count(True) == 1, f"{name} is {rule} of {whose}: say in this file what it is about"
        seen.add(name)
    described = {called(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    assert described <= seen and set(LISTS) | PLAIN | set(ASKED) <= seen
    sockets = [route for route in app.routes if isinstance(route, APIWebSocketRoute)]
    assert [(route.path, whose_of(route.dependant)) for route in sockets] == [(f"{API}/live", LISTED)]


def test_a_thing_of_another_project_is_answered_as_one_that_is_not_there(world: World) -> None:
    app, _, _, beta, by = world
    asked = 0
    for method, path, route in of_things(app):
        key, said = whose_of(route.dependant).key, ASKED.get(called(method, path), {})  # type: ignore[union-attr]
        there, nowhere = path_of(path, key, beta), path_of(path, key, beta, made_up=True)
        if method == "GET" and "exports/" not in path:
            assert ask(by["all"], method, there, filled(said, beta)).status_code == 200, (method, there)
        for client in (by["one"], by["nothing"]):
            found = ask(client, method, there, filled(said, beta))
            names = (there.rsplit("/", 1)[-1], beta.name, "gamma", beta.source, *beta.made.values(), "f" * 64)
            other = ask(client, method, nowhere, filled(said, beta))
            numbers = (beta.going, 10**9, beta.job)
            assert found.status_code == 404, (method, there, found.text)
            assert told(found, *names, *numbers)[0] == told(other, *names, *numbers)[0]
            assert re.sub(r"\d+|NAME|gamma|beta", "X", told(found, *names)[1]) == re.sub(
                r"\d+|NAME|gamma|beta", "X", told(other, *names)[1]), (method, there)  # fmt: skip
        asked += 1
    assert asked >= 30


def test_what_is_ones_own_is_answered_as_ever(world: World) -> None:
    app, _, alpha, _, by = world
    for method, path, route in of_things(app):
        if method != "GET" or "exports/" in path:
            continue
        key, said = whose_of(route.dependant).key, ASKED.get(called(method, path), {})  # type: ignore[union-attr]
        there = path_of(path, key, alpha)
        assert ask(by["one"], method, there, filled(said, alpha)).status_code == 200, there


def test_no_list_tells_of_another_project(world: World) -> None:
    """The same questions, asked by who may see all, are answered with what is not to be seen."""
    app, _, alpha, beta, by = world
    for (method, path), route in routes(app).items():
        if whose_of(route.dependant) is not LISTED:
            continue
        name, said = called(method, path), LISTS[called(method, path)]
        there = path.replace("{step}", "train")
        if method == "GET":
            whole = ask(by["all"], method, there, filled(said, beta))
            assert whole.status_code == 200 and any(one in whole.text for one in secrets(beta)), (name, whole.text)
        for client in (by["one"], by["source"], by["nothing"]):
            found = ask(client, method, there, filled(said, beta))
            sent = str(filled(said, beta))
            seen = [one for one in secrets(beta) if one in found.text and one not in sent and one != "beta"]
            assert not seen, (name, seen)
            if method == "GET" and "beta" not in sent:
                assert "beta" not in found.text, (name, found.text[:2000])
        if method == "GET":
            mine = ask(by["one"], method, there, filled(said, alpha))
            assert mine.status_code == 200 and any(one in mine.text for one in secrets(alpha)), (name, mine.text)


def test_what_is_of_the_whole_workspace_needs_a_grant_over_everything(world: World) -> None:
    app, _, _, _, by = world
    asked = 0
    for (method, path), route in routes(app).items():
        rule = rule_of(route.dependant)
        if rule in WIDE:
            there = re.sub(r"\{\w+\}", "nothing", path)
            done = by["one"].request(method, there, json=None if method in SAFE else {})
            assert (done.status_code, done.json()["permission"]) == (403, rule), (method, path)
            assert done.json()["expected"].endswith("; over everything")
            asked += 1
    assert asked >= 25


def test_who_sees_a_thing_by_a_lesser_grant_hears_which_permission_lacks(world: World) -> None:
    _, _, alpha, beta, by = world
    assert by["mixed"].get(f"{API}/runs/{beta.going}").status_code == 200
    done = by["mixed"].post(f"{API}/runs/{beta.going}/stop")
    assert (done.status_code, done.json()["permission"], done.json()["granted_by"]) == (
        403, "runs.stop", ["operator", "admin"])  # fmt: skip
    assert done.json()["expected"].endswith("; over this run")
    assert by["wide"].post(f"{API}/runs/{beta.going}/stop").status_code == 403
    [told] = by["mixed"].post(f"{API}/runs/stop", json={"runs": [beta.going]}).json()["rows"]
    assert (told["state"], told["error"]) == ("missing", f"there is no run {beta.going}")
    assert by["all"].get(f"{API}/runs/{beta.going}").json()["state"] == "running"
    assert by["wide"].post(f"{API}/runs/{alpha.failed}/stop").status_code == 409


def test_work_stays_with_the_sources_that_one_has_a_grant_over(world: World) -> None:
    _, _, alpha, beta, by = world
    one, text = by["one"], TEXT.format("alpha").replace("[collect]", "[collect.calls]")
    task = {"step": "collect", "revision": 1, "settings": {"name": "alpha/calls", "source": {"use": "csv"}}}
    for work, why in (
        ({"project": {"text": TEXT.format("beta")}}, "'beta' is no project of yours"),
        ({"project": {"text": text, "sets": ["name=beta"]}}, "'beta' is no project of yours"),
        ({"project": {"text": text, "sets": ["collect.calls.path=beta.csv"]}}, "was never read so before"),
        ({"project": {"text": TEXT.format("alpha")}}, "'alpha/alpha' was never read so before"),
        ({"project": {"text": text + '[publish]\nname = "beta"\n'}}, "neither a project of yours nor a model of one"),
        ({"project": {"text": 'name = "alpha"\n[steps.a]\ndo = "clean"\n'}}, "[steps] may name any artifact"),
        ({"task": {"step": "prepare", "revision": 1, "inputs": {"dataset": beta.made["clean"]}}}, "is no artifact"),
        ({"task": {"step": "train", "revision": 1, "save_as": "beta/model"}}, "not below a project of yours"),
        ({"task": {"step": "publish", "revision": 1, "settings": {"name": "beta"}}}, "neither a project of yours"),
        ({"task": task}, "was never read so before"),
        ({"task": {**task, "settings": {"name": "beta/calls"}}}, "'beta/calls' is no source of yours"),
    ):  # fmt: skip
        done = one.post(f"{API}/jobs", json=work)
        assert (done.status_code, why in done.json()["error"]) == (403, True), (work, done.text)
    made = one.post(f"{API}/jobs", json={"project": {"text": text}})
    assert made.status_code == 201, made.text
    assert one.get(f"{API}/jobs/{made.json()['id']}").status_code == 200
    inputs = {"step": "prepare", "revision": 1, "inputs": {"dataset": alpha.made["clean"]}}
    assert one.post(f"{API}/jobs", json={"task": inputs}).status_code == 201


def test_live_news_are_those_of_ones_own_projects(world: World) -> None:
    _, place, alpha, beta, by = world
    with by["one"] as client, client.websocket_connect(f"{API}/live") as socket:
        socket.send_json({"subscribe": f"run/{beta.going}", "since": None})
        assert socket.receive_json()["error"] == f"there is no run {beta.going}"
        socket.send_json({"subscribe": "runs", "since": None})
        first = socket.receive_json()
        place.catalog.add_metrics(str(beta.going), [("loss", 2.0, 0.25)])
        place.catalog.stop_run(str(beta.failed))
        place.catalog.end_run(str(beta.runs[-1]), "failed", error={"error": "beta broke"})
        place.catalog.end_run(str(alpha.going), "stopped")
        news = socket.receive_json()
        assert (news["n"], [run["id"] for run in news["data"]["changed"]]) == (first["n"] + 1, [alpha.going])
