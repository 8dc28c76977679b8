"""Records are sent as any caller sends them; the form says how, from the release itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient
from tests.console.conftest import Guest
from tests.console.endpoints.beside import beside
from tests.console.endpoints.models import PEOPLE, clothes, customers, publish, reviews, shirt

from aimass.console.place import Place
from aimass.console.up import house
from aimass.console.up.state import folder_of
from aimass.store.catalog import Catalog


@pytest.fixture
def published(place: Place, tmp_path: Path) -> Place:
    for number in (1, 2):
        publish(place.workspace, customers(tmp_path / f"customers-{number}", tilt=number - 1.0), "customers")
    publish(place.workspace, clothes(tmp_path / "clothes"), "clothes")
    return place


@pytest.fixture
def server(published: Place) -> Iterator[str]:
    with beside(published.workspace, {"customers": "1", "clothes": "1"}) as url:
        yield url


def form(client: TestClient, name: str, **query: str) -> Any:
    done = client.get(f"/api/v1/playground/{name}", params=query)
    assert done.status_code == 200, done.text
    return done.json()


def ask(client: TestClient, name: str, records: list[Any], **more: Any) -> Any:
    return client.post(f"/api/v1/playground/{name}", json={"records": records, **more})


def test_the_form_says_what_to_send_with_real_examples(admin: TestClient, published: Place) -> None:
    found = form(admin, "customers")
    assert (found["version"], found["task"], found["target"], found["url"]) == ("2", "binary", "leaves", "")
    assert [(one["name"], one["sent"], one["unit"]) for one in found["columns"]][:2] == [
        ("age", "number", "years"), ("plan", "string", ""),
    ]  # fmt: skip
    assert found["columns"][1]["values"] == ["basic", "plus", "pro"]
    assert found["examples"] == PEOPLE and found["classes"] == ["no", "yes"]


def test_the_form_says_whether_callers_have_to_show_a_key(admin: TestClient, published: Place) -> None:
    assert form(admin, "customers")["keys"] is False
    folder_of(published.workspace.folder)
    house.make(published.workspace.folder)
    assert form(admin, "customers")["keys"] is True


def test_a_picture_stands_in_the_form_as_callers_send_it(admin: TestClient, published: Place) -> None:
    [example] = form(admin, "clothes")["examples"]
    image = Image.open(io.BytesIO(base64.b64decode(example["image"]["b64"])))
    assert np.array_equal(np.asarray(image), shirt()[..., 0])


def test_the_form_of_what_is_served_is_that_of_the_version_that_answers(admin: TestClient, server: str) -> None:
    assert form(admin, "customers")["version"] == "1"  # the champion is 2, and answers nobody
    assert form(admin, "customers", version="2")["version"] == "2"
    assert form(admin, "customers")["url"] == f"{server}/v1/predict/customers"
    assert form(admin, "customers", version="1")["url"] == f"{server}/v1/predict/customers/versions/1"
    done = admin.get("/api/v1/playground/customers", params={"version": "9"})
    assert (done.status_code, done.json()["error"]) == (404, "customers has no version '9'")


def test_records_are_answered_with_the_version_and_the_time_it_took(admin: TestClient, server: str) -> None:
    done = ask(admin, "customers", PEOPLE)
    assert done.status_code == 200, done.text
    found = done.json()
    assert found["model"] == "customers@1" and len(found["predictions"]) == 4 and found["explain"] is None
    assert [row["label"] for row in found["predictions"]] == ["yes", "no", "no", "yes"]
    assert 0 < found["milliseconds"] < 30_000
    picture = {"image": {"b64": form(admin, "clothes")["examples"][0]["image"]["b64"]}}
    assert ask(admin, "clothes", [picture]).json()["predictions"][0]["label"] == "shirt"


def test_an_answer_comes_with_its_explanation_that_adds_up(admin: TestClient, server: str) -> None:
    done = ask(admin, "customers", PEOPLE[:1], explain={"budget_ms": 20_000, "counterfactual": True})
    [found] = done.json()["explain"]["explanations"]
    added = found["base_value"] + sum(one["attribution"] for one in found["attributions"])
    assert added == pytest.approx(found["prediction"], abs=1e-5)
    assert found["prediction"] == pytest.approx(done.json()["predictions"][0]["probabilities"]["yes"], abs=1e-5)
    assert found["counterfactual"]["found"]


def test_a_picture_is_explained_over_itself_where_the_request_says_so(admin: TestClient, server: str) -> None:
    records = [{"image": {"b64": form(admin, "clothes")["examples"][0]["image"]["b64"]}}]
    for overlay in (True, False):
        done = ask(admin, "clothes", records, explain={"budget_ms": 200, "overlay": overlay})
        [found] = done.json()["explain"]["explanations"]
        assert ("overlays" in found) is overlay


def test_what_is_wrong_with_a_record_is_said_with_its_field(admin: TestClient, server: str) -> None:
    extra = {**PEOPLE[0], "<img src=x>": 1}
    for record, key in (({**PEOPLE[0], "age": "old"}, "age"), ({"age": 1}, "plan"), (extra, "<img src=x>")):
        done = ask(admin, "customers", [record])
        assert (done.status_code, done.json()["key"]) == (422, key)
        assert done.json()["expected"]


def test_a_version_that_is_not_loaded_and_a_name_that_is_not_published_are_404(admin: TestClient, server: str) -> None:
    done = ask(admin, "customers", PEOPLE, version="2")
    assert done.status_code == 404 and "no version '2'" in done.json()["error"]
    for version in ("../../v1/parameters", "1?x=1", "1/explain", " ", "\x00", "ü"):
        assert ask(admin, "customers", PEOPLE, version=version).status_code in (404, 422), version
    half = b'{"records": [{"age": "\\ud800"}], "version": "\\ud800"}'
    assert admin.post("/api/v1/playground/customers", content=half).status_code == 422
    assert ask(admin, "nothing", PEOPLE).status_code == 404


def test_while_nobody_answers_the_form_is_there_and_records_are_refused_in_words(
    admin: TestClient, published: Place
) -> None:
    done = ask(admin, "customers", PEOPLE)
    assert done.status_code == 503 and "aimass up" in done.json()["to_do"]
    [_, customers] = admin.get("/api/v1/endpoints").json()["rows"]
    assert (customers["name"], customers["state"]) == ("customers", "off") and "aimass up" in customers["why"]


def test_a_viewer_sees_the_form_and_an_operator_sends(guest: Guest, server: str) -> None:
    assert form(guest("viewer"), "customers")["version"] == "1"
    assert ask(guest("viewer"), "customers", PEOPLE).status_code == 403
    assert ask(guest("operator"), "customers", PEOPLE).status_code == 200


def test_words_of_a_text_are_told_apart(
    app: FastAPI, admin: TestClient, place: Place, catalog: Catalog, tmp_path: Path
) -> None:
    publish(place.workspace, reviews(tmp_path / "reviews"), "reviews")
    with beside(place.workspace, {"reviews": "1"}):
        records = form(admin, "reviews")["examples"][:1]
        found = ask(admin, "reviews", records, explain={"budget_ms": 500}).json()
    [explanation] = found["explain"]["explanations"]
    assert found["predictions"][0]["label"] == "complaint"
    assert max(explanation["tokens"]["review"], key=lambda token: token["attribution"])["text"] == "broken"
