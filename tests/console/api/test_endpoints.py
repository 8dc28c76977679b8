"""Which versions answer is previewed in numbers, changed, undone and written down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from tests.console.conftest import Guest
from tests.console.endpoints.beside import beside
from tests.console.endpoints.models import PEOPLE, customers, publish

from aimass.console.access import audit
from aimass.console.beside import asked_at
from aimass.console.endpoints import acts
from aimass.console.place import Place

PATH = "/api/v1/endpoints/customers"


@pytest.fixture
def server(place: Place, tmp_path: Path) -> Iterator[str]:
    """customers@1 answers; 2 and 3 are published, and 4 is damaged."""
    for number in range(1, 5):
        folder = customers(tmp_path / f"customers-{number}", tilt=number - 1.0)
        if number == 4:
            (folder / "model.onnx").write_bytes(b"no model")
        publish(place.workspace, folder, "customers")
    with beside(place.workspace, {"customers": "1"}) as url:
        yield url


def seen(client: TestClient) -> Any:
    done = client.get(PATH)
    assert done.status_code == 200, done.text
    return done.json()


def act(client: TestClient, verb: str, **said: Any) -> Any:
    done = client.post(f"{PATH}/act", json={"verb": verb, **said})
    assert done.status_code == 200, done.text
    return done.json()


def preview(client: TestClient, verb: str, **said: Any) -> Any:
    done = client.post(f"{PATH}/preview", json={"verb": verb, **said})
    assert done.status_code == 200, done.text
    return done.json()


def send(url: str, times: int) -> None:
    for _ in range(times):
        assert asked_at(url, "POST", "/v1/predict/customers", {"records": PEOPLE}).good


def test_new_versions_of_what_is_served_are_seen(admin: TestClient, server: str, place: Place, tmp_path: Path) -> None:
    found = seen(admin)
    assert (found["name"], found["state"], found["shares"]) == ("customers", "serving", {"1": 1.0})
    assert [(one["version"], one["state"], one["share"]) for one in found["versions"]] == [
        ("4", "off", None), ("3", "off", None), ("2", "off", None), ("1", "ready", 1.0),
    ]  # fmt: skip
    assert [one["version"] for one in found["versions"] if one["champion"]] == ["4"]
    publish(place.workspace, customers(tmp_path / "later", tilt=9.0), "customers")
    assert seen(admin)["versions"][0]["version"] == "5"
    assert admin.get("/api/v1/endpoints").json()["rows"][0]["name"] == "customers"


def test_a_preview_says_in_numbers_what_would_be_and_changes_nothing(
    admin: TestClient, server: str, place: Place
) -> None:
    place.ring.clock = iter(range(1000, 9000, 10)).__next__
    place.ring.look()
    send(server, 20)
    place.ring.look()
    found = preview(admin, "canary", version="2", share=0.25)
    one, two = found["versions"]
    assert (one["version"], one["share"], one["then"]) == ("1", 1.0, 0.75)
    assert (two["version"], two["share"], two["then"], two["state"]) == ("2", 0.0, 0.25, "off")
    rate = found["per_minute"]
    assert rate == one["per_minute"] == 120.0 and (one["then_per_minute"], two["then_per_minute"]) == (90.0, 30.0)
    assert (found["moved_per_minute"], found["loads"], found["trial_seconds"]) == (30.0, ["2"], 100.0)
    assert two["measured"] == {"roc_auc": 0.86, "p99_ms": 6.25} and two["bytes"] > 500
    assert one["p99_ms"] > 0 and two["p99_ms"] is None
    assert seen(admin)["shares"] == {"1": 1.0}
    assert preview(admin, "serve", version="1")["nothing"]


def test_a_canary_is_promoted_rolled_back_and_each_is_undone(admin: TestClient, server: str) -> None:
    done = act(admin, "canary", version="2", share=0.1)
    assert done == {"shares": {"1": 0.9, "2": 0.1}, "undo": restore({"1": 1.0})}
    assert seen(admin)["state"] == "sharing"
    assert act(admin, **done["undo"])["shares"] == {"1": 1.0}
    act(admin, "canary", version="2", share=0.1)
    done = act(admin, "promote")
    assert done == {"shares": {"2": 1.0}, "undo": restore({"1": 0.9, "2": 0.1})}
    found = seen(admin)
    assert (found["state"], found["before"]) == ("on trial", "1")
    assert act(admin, **{**done["undo"], "shares": {"2": 0.1, "1": 0.9}})["shares"] == {"1": 0.9, "2": 0.1}
    assert (seen(admin)["stable"], seen(admin)["canary"]) == ("1", "2")
    assert act(admin, "rollback")["shares"] == {"1": 1.0}, "it is the canary again that goes"
    act(admin, "serve", version="3")
    done = act(admin, "rollback")
    assert done == {"shares": {"1": 1.0}, "undo": restore({"3": 1.0})}
    assert act(admin, **done["undo"])["shares"] == {"3": 1.0}
    assert seen(admin)["before"] == "1"


def restore(shares: dict[str, float]) -> dict[str, Any]:
    told = {"verb": "restore", "version": next(iter(shares)), "shares": shares}
    return {**told, "sticky": ""} if len(shares) > 1 else told


def test_what_is_done_is_written_down_with_before_and_after(admin: TestClient, server: str, place: Place) -> None:
    act(admin, "canary", version="2", share=0.1, sticky="x-user")
    [entry] = audit.entries(place.catalog, what="endpoints.")
    assert (entry["who"], entry["what"], entry["subject"]) == ("ada", "endpoints.canary", "customers")
    assert entry["before"] == {"shares": {"1": 1.0}}
    assert entry["after"] == {"shares": {"1": 0.9, "2": 0.1}, "sticky": "x-user"}


def test_a_version_that_cannot_answer_is_refused_and_nothing_changes(
    admin: TestClient, server: str, place: Place
) -> None:
    done = admin.post(f"{PATH}/act", json={"verb": "serve", "version": "4"})
    assert done.status_code in (422, 503) and done.json()["error"], done.text
    found = seen(admin)
    assert found["shares"] == {"1": 1.0} and found["versions"][0]["state"] == "refused"
    [entry] = audit.entries(place.catalog, what="endpoints.")
    assert entry["after"] == {"asked": {"verb": "serve", "version": "4"}, "failed": done.json()["error"]}


def test_an_act_is_written_down_before_it_is_done_and_not_done_where_it_cannot_be(
    admin: TestClient, server: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, asked = list[Any](), acts.asked

    def looked(*of: Any, **more: Any) -> Any:
        told.append(audit.entries(place.catalog, what="endpoints.")[0]["after"])
        return asked(*of, **more)

    monkeypatch.setattr(acts, "asked", looked)
    act(admin, "canary", version="2", share=0.1)
    assert told == [{"asked": {"verb": "canary", "version": "2", "share": 0.1}}]
    place.catalog.write(sa.text("CREATE TRIGGER full BEFORE UPDATE ON audit BEGIN SELECT no_such(1); END"))
    late = admin.post(f"{PATH}/act", json={"verb": "promote"})
    assert late.status_code == 503 and "was done, but that it was could not be" in late.json()["error"]
    assert audit.entries(place.catalog, what="endpoints.")[0]["after"] == {"asked": {"verb": "promote"}}
    place.catalog.write(sa.text("CREATE TRIGGER full2 BEFORE INSERT ON audit BEGIN SELECT no_such(1); END"))
    assert admin.post(f"{PATH}/act", json={"verb": "rollback"}).status_code == 503
    assert len(told) == 2 and seen(admin)["shares"] == {"2": 1.0}


SENSELESS: list[tuple[dict[str, Any], int, str]] = [
    ({"verb": "serve"}, 422, "needs 'version'"), ({"verb": "canary", "version": "2"}, 422, "needs 'share'"),
    ({"verb": "serve", "version": "9"}, 404, "no version '9'"), ({"verb": "promote"}, 409, "no canary"),
    ({"verb": "rollback"}, 409, "no version to return to"),
    ({"verb": "canary", "version": "1", "share": 0.5}, 409, "only version"),
    ({"verb": "split", "shares": {"1": 0.5}}, 422, "add up"), ({"verb": "unload"}, 422, "verb"),
    ({"verb": "canary", "version": "2", "share": 1.5}, 422, "share"),
    ({"verb": "restore", "shares": {"1": 1.0}}, 422, "needs 'version'"),
    ({"verb": "restore", "version": "2", "shares": {"1": 0.5}}, 422, "add up"),
]  # fmt: skip


def test_what_makes_no_sense_is_refused_in_words(admin: TestClient, server: str, place: Place) -> None:
    for body, status, why in SENSELESS:
        for path in ("preview", "act"):
            done = admin.post(f"{PATH}/{path}", json=body)
            assert done.status_code == status and why in done.json()["error"], (body, done.text)
    assert seen(admin)["shares"] == {"1": 1.0} and audit.entries(place.catalog, what="endpoints.") == []


def test_one_change_of_a_name_happens_at_a_time(admin: TestClient, server: str, place: Place) -> None:
    with place.turns.of("customers"):
        done = admin.post(f"{PATH}/act", json={"verb": "serve", "version": "2"})
    assert (done.status_code, done.json()["error"]) == (409, "customers is being changed")
    act(admin, "serve", version="2")


def test_a_viewer_previews_and_an_operator_acts(guest: Guest, server: str) -> None:
    assert preview(guest("viewer"), "serve", version="2")["loads"] == ["2"]
    assert guest("viewer").post(f"{PATH}/act", json={"verb": "serve", "version": "2"}).status_code == 403
    assert act(guest("operator"), "serve", version="2")["shares"] == {"2": 1.0}


def test_figures_over_time_are_told_by_version(admin: TestClient, server: str, place: Place) -> None:
    place.ring.look()
    send(server, 3)
    place.ring.look()
    found = admin.get(f"{PATH}/series", params={"seconds": 60}).json()
    assert set(found["series"]) == {"", "1"} and found["series"][""][-1][5] == 0.0
    assert seen(admin)["now"]["answers"] == seen(admin)["versions"][-1]["now"]["answers"] == 3
    assert seen(admin)["spark"][-1][1] > 0


def test_errors_of_an_endpoint_wait_for_somebody_at_home(admin: TestClient, server: str, place: Place) -> None:
    place.ring.look()
    send(server, 1)
    text = place.ring.metrics().replace('status="200"', 'status="500"').replace(" 1\n", " 40\n")
    place.ring.metrics = lambda: text
    place.ring.look()
    assert admin.get("/api/v1/home").json()["needs"][0]["do"] == "Roll back customers"
