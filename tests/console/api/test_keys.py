"""Keys of programs: told once, with a role, ended at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.console.conftest import PASSWORD, Guest

from aimass.console.access import audit
from aimass.store import tables as t
from aimass.store.catalog import Catalog

NEW = {"name": "ci", "role": "operator"}


def program(app: FastAPI, key: str) -> TestClient:
    return TestClient(app, headers={"authorization": f"Bearer {key}"})


def made(admin: TestClient, **more: Any) -> dict[str, Any]:
    done = admin.post("/api/v1/keys", json={**NEW, **more})
    assert done.status_code == 201, done.text
    found: dict[str, Any] = done.json()
    return found


def test_a_key_acts_in_its_role_without_a_token_of_a_page(app: FastAPI, admin: TestClient, catalog: Catalog) -> None:
    key = made(admin, role="admin")
    client = program(app, key["key"])
    assert client.get("/api/v1/me").json()["user"] == f"key:{key['id']}"
    body = {"name": "bob", "password": PASSWORD, "role": "viewer"}
    assert client.post("/api/v1/users", json=body).status_code == 201
    assert audit.entries(catalog, what="users.create")[0]["who"] == f"key:{key['id']}"
    operator = program(app, made(admin)["key"])
    assert operator.get("/api/v1/users").status_code == 403
    assert operator.post("/api/v1/me/password", json={"old": "x", "new": "y"}).status_code == 403


def test_its_secret_is_told_once_and_kept_nowhere(admin: TestClient, catalog: Catalog) -> None:
    key = made(admin)
    secret = key["key"].rpartition("_")[2]
    [row] = admin.get("/api/v1/keys").json()["rows"]
    assert row == {name: value for name, value in key.items() if name != "key"}
    assert row["made_by"] == "ada"
    assert all(secret not in str(catalog.rows(table.select())) for table in (t.key, t.audit, t.granted))


def test_a_key_that_is_revoked_opens_nothing_from_now_on(app: FastAPI, admin: TestClient) -> None:
    key = made(admin)
    client = program(app, key["key"])
    assert client.get("/api/v1/me").status_code == 200
    assert admin.delete(f"/api/v1/keys/{key['id']}").json()["revoked"]
    assert client.get("/api/v1/me").status_code == 401
    assert admin.delete("/api/v1/keys/nothing").status_code == 404


def test_a_key_ends_when_it_was_to_end(app: FastAPI, admin: TestClient, catalog: Catalog) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    client = program(app, made(admin, expires=soon)["key"])
    assert client.get("/api/v1/me").json()["expires"] == soon
    catalog.write(t.key.update().values(expires="2020-01-01"))
    assert client.get("/api/v1/me").status_code == 401
    for bad in ("2020-01-01", "tomorrow", "\u0000"):
        done = admin.post("/api/v1/keys", json={**NEW, "expires": bad})
        assert done.status_code == 422


def test_keys_of_somebody_who_is_removed_open_nothing(app: FastAPI, admin: TestClient, guest: Guest) -> None:
    other = guest("admin", "eve")
    client = program(app, made(other)["key"])
    assert client.get("/api/v1/me").status_code == 200
    assert admin.delete("/api/v1/users/eve").status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_a_key_is_given_projects_and_never_more_than_who_made_it(app: FastAPI, admin: TestClient, guest: Guest) -> None:
    other = guest("admin", "eve")
    some = [{"scope": "project:a", "role": "admin"}, {"scope": "source:b/x", "role": "viewer"}]
    key = made(other, role=None, grants=some)
    assert (key["grants"], key["role"]) == (some, "admin")
    client = program(app, key["key"])
    assert client.get("/api/v1/me").json()["grants"] == some
    assert client.get("/api/v1/keys").status_code == 403
    for held, left in (
        ([{"scope": "*", "role": "operator"}], [{"scope": "project:a", "role": "operator"}, some[1]]),
        ([{"scope": "source:a/x", "role": "viewer"}], [{"scope": "source:a/x", "role": "viewer"}]),
        ([{"scope": "project:b", "role": "admin"}, {"scope": "project:b/x", "role": "admin"}], None),
        ([{"scope": "project:b", "role": "admin"}], some[1:]),
    ):  # fmt: skip
        done = admin.patch("/api/v1/users/eve", json={"grants": held})
        if left is None:
            assert done.status_code == 422
        else:
            assert client.get("/api/v1/me").json()["grants"] == left
    admin.patch("/api/v1/users/eve", json={"grants": [{"scope": "project:c", "role": "admin"}]})
    assert client.get("/api/v1/me").status_code == 401


def test_keys_of_somebody_who_is_disabled_open_nothing_meanwhile(app: FastAPI, admin: TestClient, guest: Guest) -> None:
    other = guest("admin", "eve")
    first = made(other, role="admin")
    second = program(app, made(program(app, first["key"]))["key"])
    for disabled, status in ((True, 401), (False, 200)):
        admin.patch("/api/v1/users/eve", json={"disabled": disabled})
        assert program(app, first["key"]).get("/api/v1/me").status_code == status
        assert second.get("/api/v1/me").status_code == status, "nor what a key of theirs has made"


@pytest.mark.parametrize("ended", ["expires", "revoked"])
@pytest.mark.parametrize("generation", [0, 1], ids=["its maker", "the maker of that"])
def test_a_key_ends_with_every_key_that_it_comes_from(
    app: FastAPI, admin: TestClient, catalog: Catalog, generation: int, ended: str
) -> None:
    keys = [made(admin, role="admin")]
    for _ in range(2):
        keys.append(made(program(app, keys[-1]["key"]), role="admin"))
    *elders, last = keys
    assert program(app, last["key"]).get("/api/v1/me").status_code == 200
    catalog.write(t.key.update().where(t.key.c.id == elders[generation]["id"]).values({ended: "2020-01-01"}))
    assert program(app, last["key"]).get("/api/v1/me").status_code == 401
    assert program(app, elders[0]["key"]).get("/api/v1/me").status_code == (401 if generation == 0 else 200)


def test_a_key_made_by_the_key_of_somebody_who_is_gone_is_not_the_next_namesakes(
    app: FastAPI, admin: TestClient, guest: Guest
) -> None:
    first = made(guest("admin", "eve"), role="admin")
    second = program(app, made(program(app, first["key"]))["key"])
    assert second.get("/api/v1/me").status_code == 200
    assert admin.delete("/api/v1/users/eve").status_code == 204
    assert second.get("/api/v1/me").status_code == 401
    guest("admin", "eve")
    assert second.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("shown", ["", "aim_", "aim_000000000000_" + "x" * 43, "x" * 5000, "aim_ü", "a b"])
def test_what_is_no_key_opens_nothing_whoever_is_signed_in(admin: TestClient, shown: str) -> None:
    made(admin)
    done = admin.get("/api/v1/me", headers={"authorization": f"Bearer {shown}".encode()})
    assert done.status_code == 401


def test_a_key_with_the_secret_of_another_opens_nothing(app: FastAPI, admin: TestClient) -> None:
    one, other = made(admin), made(admin)
    mixed = one["key"].rpartition("_")[0] + "_" + other["key"].split("_", 2)[2]
    assert program(app, mixed).get("/api/v1/me").status_code == 401


def test_the_audit_is_read_page_by_page(admin: TestClient) -> None:
    for number in range(4):
        made(admin, name=f"key {number}")
    first = admin.get("/api/v1/audit", params={"what": "keys.", "limit": 3}).json()
    rest = admin.get("/api/v1/audit", params={"what": "keys.", "limit": 3, "after": first["next"]}).json()
    assert [row["after"]["name"] for row in first["rows"] + rest["rows"]] == [f"key {n}" for n in (3, 2, 1, 0)]
    assert rest["next"] is None
    assert admin.get("/api/v1/audit", params={"after": 1 << 63}).status_code == 422
