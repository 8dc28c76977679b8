"""Who may do what: every role at every route of the application, so that a new route without a rule fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Route
from starlette.testclient import TestClient

from aimass.console.access.caller import Caller
from aimass.console.access.roles import PERMISSIONS, ROLES
from aimass.console.access.who import SAFE, needs, rule_of
from aimass.console.access.whose import LISTED, Whose
from aimass.console.app import OPENAPI, check_rules, create_app
from tests.console.conftest import Guest

WITHOUT = {OPENAPI: "what the API is, for everybody to read", "/{rest:path}": "the front end, and nothing of ours"}


def routes(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Method, path with made-up names, and rule."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            path = re.sub(r"\{\w+\}", "nothing", route.path)
            yield from ((method, path, rule_of(route.dependant) or "") for method in sorted(route.methods))


@pytest.fixture(params=[*ROLES, "nobody"])
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_route_says_what_it_needs(app: FastAPI) -> None:
    for route in app.routes:
        if isinstance(route, APIRoute | APIWebSocketRoute):
            rule = rule_of(route.dependant)
            assert rule in PERMISSIONS or str(rule).startswith("anybody: "), route.path
        else:
            assert isinstance(route, Route)
            assert route.path in WITHOUT


def test_an_application_with_a_route_that_needs_nothing_does_not_start(tmp_path: Path) -> None:
    app = create_app(str(tmp_path))
    app.get("/api/v1/everything")(lambda: "secrets")
    with pytest.raises(AssertionError, match="/api/v1/everything does not say what it needs"):
        check_rules(app)


@pytest.mark.parametrize(("permission", "of"), [("runs.see", None), ("users.see", LISTED)])
def test_nor_does_one_with_a_route_that_does_not_say_whose_things_it_is_about(
    tmp_path: Path, permission: str, of: Whose | None
) -> None:
    app = create_app(str(tmp_path))

    @app.get("/api/v1/all")
    def everything(caller: Caller = needs(permission, of=of)) -> str:
        return "secrets"

    with pytest.raises(AssertionError, match="/api/v1/all does not say whose things it is about"):
        check_rules(app)


def test_every_role_may_do_exactly_what_the_table_says(app: FastAPI, guest: Guest, role: str) -> None:
    asked = 0
    for method, path, rule in routes(app):
        client = TestClient(app) if role == "nobody" else guest(role)  # afresh: some routes end the session
        done = client.request(method, path, json={} if method not in SAFE else None)
        free = rule.startswith("anybody: ")
        if role == "nobody" and not free:
            assert done.status_code == 401, (method, path)
        elif not free and rule not in ROLES[role]:
            assert (done.status_code, done.json()["permission"]) == (403, rule), (method, path)
            assert "admin" in done.json()["granted_by"]
        else:
            assert done.status_code not in (401, 403, 405, 500), (method, path, done.text)
        asked += 1
    assert asked >= 9


def test_a_cookie_alone_changes_nothing(app: FastAPI, guest: Guest) -> None:
    for method, path, rule in routes(app):
        if method in SAFE or rule.startswith("anybody: "):
            continue
        client = guest("admin", "root")
        for shown in ("", "0" * 32, "ü"):
            headers = {"x-csrf-token": shown.encode()} if shown else {}
            del client.headers["x-csrf-token"]
            done = client.request(method, path, json={}, headers=headers)
            client.headers["x-csrf-token"] = "-"
            assert done.status_code == 403, (method, path)
            assert "x-csrf-token" in done.json()["expected"]
        assert client.get("/api/v1/me").status_code == 200


def test_the_csrf_token_of_another_session_is_none(guest: Guest) -> None:
    one, other = guest("viewer"), guest("viewer")
    done = one.delete("/api/v1/session", headers={"x-csrf-token": other.headers["x-csrf-token"]})
    assert done.status_code == 403
    assert one.delete("/api/v1/session").status_code == 204
    assert (one.get("/api/v1/me").status_code, other.get("/api/v1/me").status_code) == (401, 200)
