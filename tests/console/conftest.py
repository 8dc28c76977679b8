"""A console of an empty workspace, and people who are signed in to it.  Their passwords are cheap to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from aimass.console.access import passwords
from aimass.console.access.links import first_link
from aimass.console.app import create_app
from aimass.console.place import Place
from aimass.store.catalog import Catalog
from tests.store.conftest import postgres, postgres_url

__all__ = ["postgres", "postgres_url"]
PASSWORD = "correct horse battery"
Guest = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs stands in what is kept, so old and new ones live together."""
    monkeypatch.setattr(passwords, "COST", 1 << 4)


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    pages = tmp_path / "built"
    (pages / "assets").mkdir(parents=True)
    (pages / "index.html").write_text("<!doctype html><script type=module src=assets/main-5XQJZ2LB.js></script>")
    (pages / "assets" / "main-5XQJZ2LB.js").write_text("console.log('ü')\n" * 100)
    return create_app(str(tmp_path / "space"), static=pages)


@pytest.fixture
def place(app: FastAPI) -> Place:
    found: Place = app.state.place
    return found


@pytest.fixture
def catalog(place: Place) -> Iterator[Catalog]:
    yield place.catalog
    place.catalog.engine.dispose()


@pytest.fixture
def admin(app: FastAPI, catalog: Catalog, tmp_path: Path) -> TestClient:
    """Ada, who came in by the first link."""
    body = {"token": first_link(str(tmp_path / "space")), "name": "ada", "password": PASSWORD}
    return entered(TestClient(app), "/api/v1/session/link", body)


@pytest.fixture
def guest(app: FastAPI, admin: TestClient) -> Guest:
    """A fresh user with a role, signed in."""

    def sign_in(role: str, name: str = "") -> TestClient:
        body = {"name": name or role, "password": PASSWORD}
        if body["name"] not in [row["name"] for row in admin.get("/api/v1/users").json()["rows"]]:
            assert admin.post("/api/v1/users", json={**body, "role": role}).status_code == 201
        return entered(TestClient(app), "/api/v1/session", body)

    return sign_in


def entered(client: TestClient, path: str, body: dict[str, Any]) -> TestClient:
    """CLIENT with a session, which shows the token of a page at each request."""
    done = client.post(path, json=body)
    assert done.status_code in (200, 201), done.text
    client.headers["x-csrf-token"] = done.json()["csrf"]
    return client
