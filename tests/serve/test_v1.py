"""V1 as TensorFlow Serving and KServe users know it: rows or columns in, predictions or outputs out."""

from __future__ import annotations

import base64
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import SAMPLE, WORD, Caller
from tests.serve.test_images import PIXELS, VALUE, b64, packed, write_brightness

from aimass.serve.app import App
from aimass.serve.predictor import Wanted, load

MODEL = "/v1/models/flights"
PATH = f"{MODEL}:predict"
GOOD = SAMPLE[0]
COLUMNS = {name: [record[name] for record in SAMPLE] for name in GOOD}


def test_instances_are_answered_row_by_row_like_records(call: Caller) -> None:
    wanted = call("POST", "/v1/predict/flights", {"records": SAMPLE}).json["predictions"]
    rows = [{**row, "probabilities": list(row["probabilities"].values())} for row in wanted]
    assert call("POST", PATH, {"instances": SAMPLE}).json == {"predictions": rows}
    assert call("POST", PATH, {"signature_name": "serving_default", "instances": SAMPLE}).json["predictions"] == rows


def test_inputs_are_answered_column_by_column(call: Caller) -> None:
    rows = call("POST", PATH, {"instances": SAMPLE}).json["predictions"]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    assert call("POST", PATH, {"inputs": COLUMNS}).json == {"outputs": columns}


def test_a_version_has_a_path_of_its_own(call: Caller) -> None:
    assert call("POST", f"{MODEL}/versions/3:predict", {"instances": SAMPLE}).status == 200
    assert call("POST", f"{MODEL}/versions/4:predict", {"instances": SAMPLE}).status == 404
    assert call("POST", f"{MODEL}/labels/nobody:predict", {"instances": SAMPLE}).status == 404


def test_a_model_of_one_column_and_one_output_takes_and_gives_bare_values(tmp_path: Path) -> None:
    model = load(Wanted(write_brightness(tmp_path), "brightness", 1))
    ask = Caller(App([model]))
    path = "/v1/models/brightness:predict"
    values = [PIXELS.tolist(), b64(packed(PIXELS + 10)), {"image": PIXELS.tolist()}]
    assert ask("POST", path, {"instances": values}).json == {"predictions": [VALUE, VALUE + 10, VALUE]}
    assert ask("POST", path, {"inputs": values[:2]}).json == {"outputs": [VALUE, VALUE + 10]}
    assert ask("POST", path, {"inputs": {"image": values[:2]}}).json == {"outputs": [VALUE, VALUE + 10]}
    large = b64(packed(PIXELS.repeat(9, 0)))
    assert ask("POST", path, {"instances": [large]}).status == 400
    assert ask("POST", path, {"instances": [large]}, query="resize=true").status == 200
    model.close()


def test_a_text_may_come_as_bytes(call: Caller) -> None:
    blue = {"b64": base64.b64encode("blau ü".encode()).decode()}
    plain = call("POST", PATH, {"instances": [{**GOOD, WORD: "blau ü"}]}).json
    assert call("POST", PATH, {"instances": [{**GOOD, WORD: blue}]}).json == plain


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "instances and inputs"),
        ([], 400, "instances and inputs"),
        ({"instances": SAMPLE, "inputs": COLUMNS}, 400, "instances and inputs"),
        ({"instances": SAMPLE, "id": 1}, 400, "'id'"),
        ({"instances": SAMPLE, "signature_name": "other"}, 400, "'other'"),
        ({"instances": {}}, 400, "not a list"),
        ({"instances": []}, 400, "no rows"),
        ({"instances": [[0.5, "red", None]]}, 400, "instance 0 is not an object"),
        ({"instances": [{**GOOD, "size": "tall"}]}, 400, "size"),
        ({"instances": [{**GOOD, "more": 1}]}, 400, "more"),
        ({"instances": [GOOD, {}]}, 400, "record 1"),
        ({"instances": [{**GOOD, WORD: {"b64": "/w=="}}]}, 400, "not UTF-8"),
        ({"instances": [{**GOOD, WORD: {"b64": "*"}}]}, 400, "not base64"),
        ({"instances": [GOOD] * 10_001}, 413, "10001"),
        ({"inputs": {}}, 400, "'inputs'"),
        ({"inputs": SAMPLE}, 400, "'inputs'"),
        ({"inputs": {**COLUMNS, "size": 3}}, 400, "'size'"),
        ({"inputs": {**COLUMNS, "size": [1]}}, 400, "differ in rows"),
        ({"inputs": {"size": [1]}}, 400, WORD),
        ({"inputs": {name: [] for name in COLUMNS}}, 400, "no rows"),
        (b"{", 400, "not JSON"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_a_4xx_with_an_error(body: Any, status: int, says: str, call: Caller) -> None:
    reply = call("POST", PATH, body)
    assert reply.status == status and says in reply.json["error"]


def test_the_state_of_a_model_is_told_in_the_words_of_both(call: Caller) -> None:
    for path in (MODEL, f"{MODEL}/versions/3"):
        told = call("GET", path).json
        assert (told["name"], told["ready"]) == ("flights", True)
        (version,) = told["model_version_status"]
        assert (version["version"], version["state"], version["status"]["error_code"]) == ("3", "AVAILABLE", "OK")
    assert call("GET", "/v1/models").json == {"models": ["flights"]}


def test_a_version_that_failed_says_why_and_one_that_was_unloaded_does_not(call: Caller) -> None:
    call.app.life.states["flights", "4"] = ("UNAVAILABLE", "its file is damaged")
    call.app.life.states["flights", "2"] = ("UNAVAILABLE", "unloaded")
    states = {one["version"]: one for one in call("GET", MODEL).json["model_version_status"]}
    assert {word: (one["state"], one["status"]["error_message"]) for word, one in states.items()} == {
        "3": ("AVAILABLE", ""), "4": ("END", "its file is damaged"), "2": ("END", ""),
    }  # fmt: skip


def test_a_real_server_answers_v1_beside_the_others(server) -> None:
    base = f"http://127.0.0.1:{server.port}/v1/models/flights"
    request = urllib.request.Request(f"{base}:predict", json.dumps({"instances": SAMPLE}).encode())
    with urllib.request.urlopen(request) as answer:
        assert [row["label"] for row in json.load(answer)["predictions"]] == ["yes", "no"]
    with urllib.request.urlopen(base) as answer:
        assert json.load(answer)["model_version_status"][0]["version"] == "0"  # it was never published


def test_a_server_that_ends_is_not_ready(call: Caller) -> None:
    call.app.draining = True
    reply = call("GET", MODEL)
    assert reply.status == 503 and reply.json["ready"] is False


def test_metadata_is_the_signature(call: Caller) -> None:
    told = call("GET", f"{MODEL}/metadata").json
    assert told["model_spec"] == {"name": "flights", "signature_name": "", "version": "3"}
    defined = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert {name: tensor["dtype"] for name, tensor in defined["inputs"].items()} == {
        "size": "DT_DOUBLE", WORD: "DT_STRING", "seen": "DT_INT64",
    }  # fmt: skip
    sizes = [dim["size"] for dim in defined["outputs"]["probabilities"]["tensor_shape"]["dim"]]
    assert sizes == ["-1", "2"] and told["classes"] == ["no", "yes"]


def test_an_unknown_model_is_404_with_the_nearest_name(call: Caller) -> None:
    for method, path in (("POST", "/v1/models/flihgts:predict"), ("GET", "/v1/models/flihgts")):
        reply = call(method, path, {"instances": SAMPLE})
        assert reply.status == 404 and "did you mean 'flights'" in reply.json["error"]
