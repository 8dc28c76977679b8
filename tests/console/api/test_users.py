"""Users: added, changed, removed; each change stands in the audit with what was before and after."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.console.conftest import PASSWORD, Guest, entered

from aimass.console.access import audit, users
from aimass.console.access.caller import Caller
from aimass.console.access.grants import over_all
from aimass.console.refusals import Refusal
from aimass.core.task import Task
from aimass.store.catalog import Catalog

NEW = {"name": "bob", "password": PASSWORD, "role": "viewer"}


def test_a_user_is_added_changed_and_removed_and_the_audit_tells(admin: TestClient, catalog: Catalog) -> None:
    made = admin.post("/api/v1/users", json=NEW)
    assert (made.status_code, made.json()["role"], made.json()["disabled"]) == (201, "viewer", None)
    changed = admin.patch("/api/v1/users/bob", json={"role": "operator", "password": "another horse"})
    assert changed.json() == {**made.json(), "role": "operator", "grants": [{"scope": "*", "role": "operator"}]}
    assert admin.delete("/api/v1/users/bob").status_code == 204
    assert [row["name"] for row in admin.get("/api/v1/users").json()["rows"]] == ["ada"]
    told = audit.entries(catalog, who="ada", what="users.")
    assert [row["what"] for row in told] == ["users.remove", "users.change", "users.create"]
    assert (told[1]["before"]["role"], told[1]["after"]["role"]) == ("viewer", "operator")
    assert told[1]["after"]["password"] == "changed" and "horse" not in str(told)
    assert {row["subject"] for row in told} == {"bob"} and all(row["request"] for row in told)


def test_a_user_may_hold_several_grants_and_the_audit_tells_those_before_and_after(
    admin: TestClient, catalog: Catalog
) -> None:
    grants = [{"scope": "project:churn", "role": "operator"}, {"scope": "source:flights/weather", "role": "viewer"}]
    made = admin.post("/api/v1/users", json={"name": "eve", "password": PASSWORD, "grants": grants}).json()
    assert (made["grants"], made["role"]) == (grants, "operator")
    changed = admin.patch("/api/v1/users/eve", json={"grants": grants[1:]}).json()
    assert (changed["grants"], changed["role"]) == (grants[1:], "viewer")
    assert admin.patch("/api/v1/users/eve", json={"role": "viewer"}).json()["grants"] == [
        {"scope": "*", "role": "viewer"}]  # fmt: skip
    last, first = audit.entries(catalog, what="users.change")
    assert (first["before"]["grants"], first["after"]["grants"]) == (grants, grants[1:])
    assert last["before"]["grants"] == grants[1:]


@pytest.mark.parametrize(
    "scope", ["", "churn", "project:", "project:a/b", "source:", "source:a\nb", "team:a", "project:" + "x" * 241, "*a"]
)
def test_what_is_no_scope_is_refused(admin: TestClient, scope: str) -> None:
    for path, body in (("users", {"name": "eve", "password": PASSWORD}), ("keys", {"name": "ci"})):
        done = admin.post(f"/api/v1/{path}", json={**body, "grants": [{"scope": scope, "role": "viewer"}]})
        assert (done.status_code, done.json()["key"]) == (422, "grants"), done.text


TWICE = [{"scope": "*", "role": "viewer"}, {"scope": "*", "role": "admin"}]


@pytest.mark.parametrize("given", [{}, {"grants": []}, {"role": "viewer", "grants": []}, {"grants": TWICE}])
def test_a_user_has_one_grant_at_least_and_one_over_each_scope(admin: TestClient, given: dict[str, Any]) -> None:
    done = admin.post("/api/v1/users", json={"name": "eve", "password": PASSWORD, **given})
    assert done.status_code == 422, done.text


def test_an_admin_of_a_project_administers_no_users_and_is_not_the_last_admin(
    admin: TestClient, app: FastAPI, catalog: Catalog
) -> None:
    grants = [{"scope": "project:churn", "role": "admin"}]
    admin.post("/api/v1/users", json={"name": "eve", "password": PASSWORD, "grants": grants})
    eve = entered(TestClient(app), "/api/v1/session", {"name": "eve", "password": PASSWORD})
    me = eve.get("/api/v1/me").json()
    assert (me["role"], me["grants"], "audit.see" in me["permissions"]) == ("admin", grants, True)
    assert not {"users.see", "keys.see", "files.see", "parameters.see", "jobs.outside"} & {*me["permissions"]}
    refused = eve.get("/api/v1/users")
    assert (refused.status_code, refused.json()["permission"], refused.json()["granted_by"]) == (
        403, "users.see", ["admin"])  # fmt: skip
    assert admin.patch("/api/v1/users/ada", json={"grants": grants}).status_code == 409


def test_to_see_as_a_lesser_role_keeps_to_ones_own_projects(admin: TestClient, app: FastAPI) -> None:
    grants = [{"scope": "project:a", "role": "admin"}, {"scope": "project:b", "role": "viewer"}]
    admin.post("/api/v1/users", json={"name": "eve", "password": PASSWORD, "grants": grants})
    eve = entered(TestClient(app), "/api/v1/session", {"name": "eve", "password": PASSWORD})
    seen = eve.post("/api/v1/me/view", json={"role": "operator"}).json()
    assert (seen["role"], seen["own_role"]) == ("operator", "admin")
    assert seen["grants"] == eve.get("/api/v1/me").json()["grants"] == [
        {"scope": "project:a", "role": "operator"}, {"scope": "project:b", "role": "viewer"}]  # fmt: skip
    assert eve.post("/api/v1/me/view", json={"role": None}).json()["grants"] == grants


def test_what_a_grant_can_be_over_is_told(admin: TestClient, catalog: Catalog) -> None:
    for name in ("churn/calls", "churn/contracts", "loose"):
        catalog.start_run(Task("collect", 1, {"name": name}, {}))
    catalog.start_run(Task("train", 1, {}, {}))
    assert admin.get("/api/v1/users/scopes").json() == {
        "projects": ["churn"], "sources": ["churn/calls", "churn/contracts", "loose"]}  # fmt: skip


def test_what_changes_a_user_ends_the_sessions_there_are(admin: TestClient, guest: Guest, app: FastAPI) -> None:
    for change in ({"role": "operator"}, {"disabled": True}):
        bob = guest("viewer", "bob")
        assert admin.patch("/api/v1/users/bob", json=change).status_code == 200
        assert bob.get("/api/v1/me").status_code == 401
    body = {"name": "bob", "password": PASSWORD}
    assert TestClient(app).post("/api/v1/session", json=body).status_code == 401
    assert admin.patch("/api/v1/users/bob", json={"disabled": False}).json()["disabled"] is None
    assert entered(TestClient(app), "/api/v1/session", body).get("/api/v1/me").json()["role"] == "operator"


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"disabled": True}, None])
def test_somebody_can_always_administer(admin: TestClient, change: dict[str, Any] | None) -> None:
    done = admin.patch("/api/v1/users/ada", json=change) if change else admin.delete("/api/v1/users/ada")
    assert (done.status_code, done.json()["error"]) == (409, "nobody could administer any more")
    assert admin.get("/api/v1/me").json()["role"] == "admin"


@pytest.mark.parametrize("name", ["", "a b", "<script>alert(1)</script>", "../x", "a\n", "key:0", "ü", "x" * 65, "-a"])
def test_a_name_is_letters_so_no_page_ever_runs_it(admin: TestClient, name: str) -> None:
    done = admin.post("/api/v1/users", json={**NEW, "name": name})
    assert (done.status_code, done.json()["key"]) == (422, "name")


def test_two_users_do_not_share_a_name(admin: TestClient) -> None:
    assert admin.post("/api/v1/users", json={**NEW, "name": "ADA"}).status_code == 409
    for method, body in (("PATCH", {"role": "viewer"}), ("DELETE", None)):
        assert admin.request(method, "/api/v1/users/nobody", json=body).status_code == 404


class UsersContract:
    """What every database promises."""

    @pytest.fixture
    def place(self, url: str) -> Any:
        catalog = Catalog(url)
        with catalog.writing() as link:
            for name in ("ada", "bob"):
                users.add(link, name, "scrypt$", over_all("admin"))
        yield catalog
        catalog.engine.dispose()

    def test_two_admins_who_remove_each_other_at_once_do_not_both_succeed(self, place: Catalog) -> None:
        start = threading.Barrier(2)

        def remove(name: str) -> bool:
            start.wait()
            try:
                with place.writing() as link:
                    users.remove(link, name)
            except Refusal:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(remove, ("ada", "bob"))) == [False, True]
        assert len(users.listed(place)) == 1

    def test_no_change_without_its_entry_and_no_entry_without_its_change(self, place: Catalog) -> None:
        with pytest.raises(Refusal, match="nobody could administer"), place.writing() as link:
            users.remove(link, "bob")
            audit.note(link, Caller("ada"), "users.remove", "bob")
            users.remove(link, "ada")
        assert audit.entries(place) == [] and len(users.listed(place)) == 2

    def test_audit_is_read_page_by_page_and_by_who_and_what(self, place: Catalog) -> None:
        with place.writing() as link:
            for i in range(5):
                audit.note(link, Caller("ada" if i % 2 else "bob"), f"users.{i}", "x", after={"i": i})
        first = audit.entries(place, limit=2)
        rest = audit.entries(place, before=first[-1]["id"])
        assert [row["after"]["i"] for row in [*first, *rest]] == [4, 3, 2, 1, 0]
        assert [row["what"] for row in audit.entries(place, who="ada")] == ["users.3", "users.1"]
        assert audit.entries(place, what="users%") == []


class TestSqlite(UsersContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'catalog.db'}"


class TestPostgres(UsersContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url
