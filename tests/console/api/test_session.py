"""Signing in: the first link, fixation, brute force, what ends a session."""

from __future__ import annotations

from datetime import timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from typing import cast

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from tests.console.conftest import PASSWORD, Guest, entered

from aimass.console.access import attempts, audit, sessions
from aimass.console.access.links import first_link
from aimass.console.app import create_app
from aimass.console.place import Place
from aimass.console.up.page import believed
from aimass.store import tables as t
from aimass.store.catalog import Catalog

SIGN_IN = {"name": "ada", "password": PASSWORD}


def test_the_first_link_makes_one_admin_once(app: FastAPI, catalog: Catalog, tmp_path: Path) -> None:
    old, token = first_link(str(tmp_path / "space")), first_link(str(tmp_path / "space"))
    body = {"token": token, "name": "ada", "password": PASSWORD}
    client = TestClient(app)
    assert client.post("/api/v1/session/link", json={**body, "token": old}).status_code == 401
    assert client.post("/api/v1/session/link", json={**body, "name": "<b>ada</b>"}).status_code == 422
    assert client.post("/api/v1/session/link", json={**body, "password": "short"}).status_code == 422
    done = client.post("/api/v1/session/link", json=body)
    assert (done.status_code, done.json()["role"]) == (201, "admin")
    assert client.get("/api/v1/me").json() == done.json()
    assert TestClient(app).post("/api/v1/session/link", json={**body, "name": "eve"}).status_code == 401
    assert first_link(str(tmp_path / "space")) is None


def test_a_link_ends_after_a_day(app: FastAPI, catalog: Catalog, tmp_path: Path) -> None:
    token = first_link(str(tmp_path / "space"))
    catalog.write(t.link.update().values(expires=sessions.after(timedelta(seconds=-1))))
    done = TestClient(app).post("/api/v1/session/link", json={**SIGN_IN, "token": token})
    assert done.status_code == 401


def test_the_cookie_is_for_this_console_alone(app: FastAPI, admin: TestClient) -> None:
    cookie = TestClient(app).post("/api/v1/session", json=SIGN_IN).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    by_tls = TestClient(app, base_url="https://testserver").post("/api/v1/session", json=SIGN_IN)
    assert "Secure" in by_tls.headers["set-cookie"]


def test_two_consoles_of_one_machine_do_not_sign_each_other_out(
    app: FastAPI, admin: TestClient, tmp_path: Path
) -> None:
    other, jar = create_app(str(tmp_path / "other")), CookieJar()  # of one browser: cookies know no ports
    here, there = (TestClient(one, base_url=f"http://ml.example:{port}", cookies=jar)
                   for port, one in ((8090, app), (8091, other)))  # fmt: skip
    entered(here, "/api/v1/session", SIGN_IN)
    entered(there, "/api/v1/session/link", {**SIGN_IN, "token": first_link(str(tmp_path / "other"))})
    assert here.post("/api/v1/me/view", json={"role": "viewer"}).status_code == 200
    assert [one.get("/api/v1/me").json()["role"] for one in (here, there)] == ["viewer", "admin"]
    assert there.delete("/api/v1/session").status_code == 204
    assert [one.get("/api/v1/me").status_code for one in (here, there)] == [200, 401]


@pytest.mark.parametrize(
    ("host", "name"),
    [("ml.example:80", "c_80"), ("[::1]:80", "c_80"), ("ml.example", "c"), ("[::1]", "c"), ("x:80;a=b", "c")],
)
def test_a_cookie_has_the_port_in_its_name_where_there_is_one(host: str, name: str) -> None:
    assert sessions.cookie_of("c", host) == name


def test_nobody_goes_on_with_a_session_that_was_put_upon_them(app: FastAPI, admin: TestClient, guest: Guest) -> None:
    eve = guest("viewer", "eve")
    known = eve.cookies[sessions.COOKIE]
    victim = TestClient(app, cookies={sessions.COOKIE: known})
    done = victim.post("/api/v1/session", json=SIGN_IN)
    assert done.cookies[sessions.COOKIE] != known
    assert eve.get("/api/v1/me").status_code == 401, "the session that the cookie held has ended"
    invented = TestClient(app, cookies={sessions.COOKIE: "invented"})
    assert invented.post("/api/v1/session", json=SIGN_IN).cookies[sessions.COOKIE] != "invented"
    assert TestClient(app, cookies={sessions.COOKIE: "invented"}).get("/api/v1/me").status_code == 401


def test_a_catalog_that_is_stolen_opens_nothing(admin: TestClient, app: FastAPI, catalog: Catalog) -> None:
    token = admin.cookies[sessions.COOKIE]
    for table in (t.session, t.user, t.link, t.audit):
        assert token not in str(catalog.rows(table.select()))
        assert PASSWORD not in str(catalog.rows(table.select()))
    [row] = catalog.rows(t.session.select())
    assert TestClient(app, cookies={sessions.COOKIE: row["id"]}).get("/api/v1/me").status_code == 401


def test_a_session_ends_by_itself(admin: TestClient, catalog: Catalog) -> None:
    catalog.write(t.session.update().values(expires=sessions.after(timedelta(seconds=-1))))
    assert admin.get("/api/v1/me").status_code == 401


def test_an_unknown_name_and_a_wrong_password_look_the_same(app: FastAPI, admin: TestClient) -> None:
    answers = []
    for body in ({**SIGN_IN, "password": "wrong"}, {**SIGN_IN, "name": "nobody"}):
        done = TestClient(app).post("/api/v1/session", json=body)
        answers.append((done.status_code, done.json()["error"]))
    assert answers[0] == answers[1] == (401, "the name or the password is wrong")


def test_guessing_is_slowed_down_and_being_right_later_does_not_help(
    app: FastAPI, admin: TestClient, place: Place, catalog: Catalog
) -> None:
    clock = [0.0]
    place.attempts = attempts.Attempts(lambda: clock[0])
    client = TestClient(app)
    wrong = {**SIGN_IN, "password": "wrong"}
    found = [client.post("/api/v1/session", json=wrong).status_code for _ in range(8)]
    assert found == [401] * 5 + [429] * 3
    refused = client.post("/api/v1/session", json=SIGN_IN)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "31")
    clock[0] += 31
    assert client.post("/api/v1/session", json=SIGN_IN).status_code == 200
    entries = catalog.rows(t.audit.select().where(t.audit.c.what == "session.refused"))
    assert len(entries) == 5 and {row["subject"] for row in entries} == {"ada"}


def test_signing_in_well_is_not_slowed_down(app: FastAPI, admin: TestClient) -> None:
    assert {TestClient(app).post("/api/v1/session", json=SIGN_IN).status_code for _ in range(40)} == {200}


def test_who_changes_the_password_stays_and_all_other_sessions_end(app: FastAPI, guest: Guest) -> None:
    here, there = guest("viewer"), guest("viewer")
    body = {"old": PASSWORD, "new": "another horse"}
    assert here.post("/api/v1/me/password", json={**body, "old": "wrong"}).status_code == 403
    assert here.post("/api/v1/me/password", json={**body, "new": "short"}).status_code == 422
    assert here.post("/api/v1/me/password", json=body).status_code == 200
    assert (here.get("/api/v1/me").status_code, there.get("/api/v1/me").status_code) == (200, 401)
    client = TestClient(app)
    assert client.post("/api/v1/session", json={"name": "viewer", "password": PASSWORD}).status_code == 401
    assert client.post("/api/v1/session", json={"name": "viewer", "password": "another horse"}).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x" * 10_000, "ü", "a b", "../../etc", "%00"])
def test_a_cookie_that_is_none_is_nobody(app: FastAPI, cookie: str) -> None:
    headers = {"cookie": f"{sessions.COOKIE}={cookie}".encode()}
    assert TestClient(app).get("/api/v1/me", headers=headers).status_code == 401


def behind(app: FastAPI, proxies: list[str]) -> TestClient:
    """A process of this machine before APP, as `aimass up` serves it, which believes PROXIES."""
    config = uvicorn.Config(app, **believed(proxies))
    config.load()
    return TestClient(cast(ASGIApp, config.loaded_app), client=("127.0.0.1", 5000))


@pytest.mark.parametrize(("proxies", "told"), [([], "127.0.0.1"), (["127.0.0.1"], "203.0.113.9")])
def test_who_asks_is_what_a_proxy_says_where_one_is_known_and_tls_is_its_word_always(
    app: FastAPI, admin: TestClient, catalog: Catalog, proxies: list[str], told: str
) -> None:
    headers = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
    done = behind(app, proxies).post("/api/v1/session", json=SIGN_IN, headers=headers)
    [cookie] = [one for one in done.headers.get_list("set-cookie") if one.startswith(f"{sessions.COOKIE}=")]
    assert "Secure" in cookie.split("; ")
    assert audit.entries(catalog, what="session.begin")[0]["address"] == told


def test_an_invented_address_is_no_way_around_the_tries(app: FastAPI, admin: TestClient) -> None:
    client, wrong = behind(app, []), {**SIGN_IN, "password": "wrong"}
    invented = [{"x-forwarded-for": f"203.0.113.{number}"} for number in range(6)]
    found = [client.post("/api/v1/session", json=wrong, headers=one).status_code for one in invented]
    assert found == [401] * 5 + [429]
