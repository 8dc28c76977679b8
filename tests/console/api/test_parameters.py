"""Parameters over the API: seen, changed, refused, taken back, with who did it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.console.conftest import PASSWORD, Guest
from tests.console.parameters.conftest import Beside, beside

from aimass.console.access import audit
from aimass.console.place import Place
from aimass.store import tables as t
from aimass.store.catalog import Catalog

__all__ = ["beside"]
PATH = "/api/v1/parameters"
ROWS = "models/flights/call_rows"


def rows(client: TestClient) -> dict[str, Any]:
    return {row["name"]: row for row in client.get(PATH).json()["rows"]}


def changed(client: TestClient, **values: Any) -> Any:
    return client.patch(PATH, json={"values": values})


def test_every_subsystem_says_what_can_be_changed(admin: TestClient, beside: Beside) -> None:
    found = rows(admin)
    row = found[ROWS]
    assert (row["subsystem"], row["value"], row["default"], row["low"], row["high"]) == ("inference", 64, 64, 1, 1024)
    assert (row["unit"], row["state"], row["newest"]) == ("rows", "default", None)
    assert found["console/log_level"]["choices"] == ["DEBUG", "INFO", "WARNING", "ERROR"]


def test_a_subsystem_that_cannot_be_asked_keeps_no_other_from_being_seen(admin: TestClient) -> None:
    told = admin.get(PATH).json()
    assert [one["subsystem"] for one in told["silent"]] == ["inference"]
    assert "aimass up" in told["silent"][0]["to_do"] and told["rows"]
    refused = changed(admin, **{ROWS: 3})
    assert refused.status_code == 503 and "no server of predictions" in refused.json()["error"]


def test_a_change_is_done_by_its_subsystem_and_written_down(
    admin: TestClient, beside: Beside, catalog: Catalog
) -> None:
    done = changed(admin, **{ROWS: 32})
    assert done.status_code == 200, done.text
    row = done.json()["rows"][0]
    assert (row["value"], row["state"], row["newest"]["who"]) == (32, "changed", "ada")
    assert beside.parameters.value(ROWS) == 32
    note = audit.entries(catalog, what="parameters.")[0]
    assert (note["subject"], note["before"], note["after"]) == (ROWS, 64, 32)
    beside.parameters.change({ROWS: 16})
    assert rows(admin)[ROWS]["state"] == "elsewhere"


def test_a_change_is_written_down_before_a_server_is_asked_and_holds_no_lock_meanwhile(
    admin: TestClient, beside: Beside, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, seen = beside.parameters.change, list[Any]()

    def asked(values: Any) -> None:
        catalog.write(sa.text("PRAGMA busy_timeout=100"), sa.update(t.name).values(moved="2026-01-01"))
        seen.append(audit.entries(catalog, what="parameters.")[0]["after"])
        change(values)

    monkeypatch.setattr(beside.parameters, "change", asked)
    assert changed(admin, **{ROWS: 32}).status_code == 200
    assert seen == [{"asked": 32}] and audit.entries(catalog, what="parameters.")[0]["after"] == 32


def test_what_its_subsystem_refuses_stands_in_the_audit_as_failed_and_nothing_that_cannot_stand_there_is_done(
    admin: TestClient, beside: Beside, catalog: Catalog
) -> None:
    assert changed(admin, **{ROWS: 0}).status_code == 422
    [note] = audit.entries(catalog, what="parameters.")
    assert note["before"] == 64 and note["after"]["asked"] == 0 and ROWS in note["after"]["failed"]
    catalog.write(sa.text("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT no_such(1); END"))
    assert changed(admin, **{ROWS: 16}).status_code == 503
    assert beside.parameters.value(ROWS) == 64


def test_null_is_the_value_at_the_start(admin: TestClient, beside: Beside) -> None:
    changed(admin, **{ROWS: 32})
    assert changed(admin, **{ROWS: None}).json()["rows"][0]["state"] == "default"
    assert admin.get(f"{PATH}/changes").json()["rows"][0]["after"] == 64


def test_a_change_is_taken_back_once_and_only_as_the_newest(admin: TestClient, beside: Beside) -> None:
    for value in (32, 16):
        changed(admin, **{ROWS: value})
    newest, older = admin.get(f"{PATH}/changes?name={ROWS}").json()["rows"]
    refused = admin.post(f"{PATH}/changes/{older['id']}/undo")
    assert refused.status_code == 409 and "again since, by ada" in refused.json()["error"]
    done = admin.post(f"{PATH}/changes/{newest['id']}/undo")
    assert done.json()["rows"][0]["value"] == 32 == beside.parameters.value(ROWS)
    assert done.json()["rows"][0]["newest"]["undoes"] == newest["id"]
    assert admin.post(f"{PATH}/changes/999/undo").status_code == 404


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "nothing is to be changed"),
        ({"nothing": 3}, "no parameter is called 'nothing'"),
        ({"jobs/workers": 3}, "no parameter is called 'jobs/workers'"),  # nobody keeps this console
        ({"server/idle_second": 3}, "did you mean 'server/idle_seconds'?"),
        ({"server/idle_seconds": 0}, "server/idle_seconds is '0'"),
        ({"console/tries": 2.5}, "console/tries is '2.5'"),
        ({"console/log_level": "LOUD"}, "console/log_level is 'LOUD'"),
        ({"console/tries": 3, "server/idle_seconds": 3}, "several subsystems"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_changed(
    admin: TestClient, beside: Beside, values: dict[str, Any], said: str
) -> None:
    done = changed(admin, **values)
    assert done.status_code == 422 and said in done.json()["error"], done.text
    assert not admin.get(f"{PATH}/changes").json()["rows"]
    assert {row["state"] for row in rows(admin).values()} == {"default"}


def test_of_two_who_take_the_same_change_back_one_is_told_of_the_other(
    admin: TestClient, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (32, 16):
        changed(admin, **{ROWS: value})
    newest = admin.get(f"{PATH}/changes?name={ROWS}").json()["rows"][0]["id"]
    change, both = beside.parameters.change, threading.Barrier(2)

    def slow(values: Any) -> None:
        with suppress(threading.BrokenBarrierError):
            both.wait(0.3)  # until the other is here, too: who takes turns is not
        change(values)

    monkeypatch.setattr(beside.parameters, "change", slow)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: admin.post(f"{PATH}/changes/{newest}/undo").status_code, range(2)))
    assert sorted(done) == [200, 409]


def test_the_console_changes_its_own(admin: TestClient, place: Place, app: FastAPI) -> None:
    changed(admin, **{"console/session_hours": 0.5, "console/tries": 2, "console/look_seconds": 0.05})
    assert (place.lasts, place.attempts.pair, place.feed.every) == (timedelta(hours=0.5), (2, 30.0), 0.05)
    stranger = TestClient(app)
    body = {"name": "ada", "password": "wrong"}
    answers = [stranger.post("/api/v1/session", json=body).status_code for _ in range(3)]
    assert answers == [401, 401, 429]
    changed(admin, **{"console/tries": 50})
    done = stranger.post("/api/v1/session", json={"name": "ada", "password": PASSWORD})
    assert "Max-Age=1800" in done.headers["set-cookie"]


def test_an_operator_changes_what_serves_but_not_how_people_sign_in(guest: Guest, beside: Beside) -> None:
    operator = guest("operator")
    assert changed(operator, **{ROWS: 32}).status_code == 200
    refused = changed(operator, **{"console/tries": 1000})
    assert (refused.status_code, refused.json()["granted_by"]) == (403, ["admin"])
    guest("admin").patch(PATH, json={"values": {"console/tries": 6}})
    newest = operator.get(f"{PATH}/changes").json()["rows"][0]
    assert operator.post(f"{PATH}/changes/{newest['id']}/undo").status_code == 403


def test_what_callers_waited_before_and_after_is_kept_with_the_change(
    admin: TestClient, beside: Beside, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aimass.console.parameters import effect

    place.ring.look()
    for _ in range(100):
        beside.counts[0].request(200, 0.0015)
    changed(admin, **{ROWS: 1})
    told = admin.get(f"{PATH}/changes").json()["rows"][0]["effect"]
    assert told["before"]["requests"] == 100 and told["why"] == "the minute after it is not over yet"
    assert 0.001 < told["before"]["p50"] < told["before"]["p99"] <= 0.0025
    for _ in range(300):
        beside.counts[1].request(200, 0.07)
        beside.counts[2].request(200, 9.0)  # of another model
    place.ring.look()
    effect.settle(place)
    begun = place.ring.clock()
    monkeypatch.setattr(place.ring, "clock", lambda: begun + 61)
    effect.settle(place)
    place.ring.looks.clear()
    told = admin.get(f"{PATH}/changes").json()["rows"][0]["effect"]
    assert told["why"] is None and told["before"]["requests"] == 100
    assert told["after"]["requests"] == 300 and 0.05 < told["after"]["p95"] <= 0.1
