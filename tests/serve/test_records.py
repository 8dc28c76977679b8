"""Plain records in, labels and probabilities by name out; whatever is wrong is a 4xx that names it."""

from __future__ import annotations

import json
import math

import pytest
from tests.serve.conftest import SAMPLE, SEEN, WORD

PATH = "/v1/predict/flights"
GOOD = SAMPLE[0]


def without(name: str) -> dict:
    return {key: value for key, value in GOOD.items() if key != name}


def test_a_record_gets_its_label_and_probabilities_by_class_name(call, engine) -> None:
    reply = call("POST", PATH, {"records": SAMPLE})
    assert reply.status == 200 and reply.json["model"] == "flights@3"
    seen = [SEEN + (5 * 60 + 15) * 60_000_000, -(2**63)]
    wanted = engine([0.5, math.nan], ["blau ü", SAMPLE[1][WORD]], seen)
    for answer, label, row in zip(reply.json["predictions"], wanted["label"], wanted["probabilities"], strict=True):
        assert answer["label"] == label
        assert answer["probabilities"] == {"no": row[0].item(), "yes": row[1].item()}


def test_the_three_shapes_of_a_body_mean_the_same(call) -> None:
    one = call("POST", PATH, GOOD).json["predictions"]
    assert one == call("POST", PATH, {"record": GOOD}).json["predictions"]
    assert one == call("POST", PATH, {"records": [GOOD]}).json["predictions"]


def test_nan_is_a_missing_number(call) -> None:
    nan = json.dumps({**GOOD, "size": math.nan}).encode()
    assert call("POST", PATH, nan).json == call("POST", PATH, {**GOOD, "size": None}).json


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (without("size"), 400, "size"),
        ({**GOOD, "extra": 1}, 400, "extra"),
        ({**without("size"), "sise": 1}, 400, "sise"),
        ({**GOOD, "size": "tall"}, 400, "size"),
        ({**GOOD, "size": True}, 400, "size"),
        ({**GOOD, "size": [1]}, 400, "size"),
        ({**GOOD, WORD: 3}, 400, WORD),
        ({**GOOD, "seen": "yesterday"}, 400, "seen"),
        ({"records": []}, 400, "no rows"),
        ({"records": GOOD}, 400, "'records'"),
        ({"records": [GOOD, 7]}, 400, "1"),
        ({"records": [GOOD], "id": 1}, 400, "'id'"),
        ([GOOD], 400, "a list"),
        ("text", 400, "text"),
        (None, 400, "null"),
        ({"records": [GOOD] * 10_001}, 413, "10001"),
        (b"", 400, "not JSON"),
        (b'{"size": ', 400, "not JSON"),
        (b"\xff\xfe\x00", 400, "not JSON"),
        (b"[" * 100_000, 400, "nested too deeply"),
        (b'{"size": ' + b"9" * 5000 + b"}", 400, "not JSON"),
    ],
)
def test_a_wrong_request_is_a_4xx_that_names_what_is_wrong(body, status, named, call) -> None:
    reply = call("POST", PATH, body)
    assert reply.status == status
    assert reply.headers["content-type"] == "application/json"
    assert named in reply.json["error"]
    assert call("POST", PATH, GOOD).status == 200


def test_a_renamed_field_is_told_its_name(call) -> None:
    said = call("POST", PATH, {**without("size"), "sise": 1}).json
    assert "size" in json.dumps(said)


@pytest.mark.parametrize(
    "text", ["", " ", "é" * 5000, "😀", "\u0000", "\ud800", "a" * 10_000, "\u202e", "'; drop table"]
)
def test_any_text_is_answered_or_refused_but_never_breaks_the_server(text, call) -> None:
    reply = call("POST", PATH, {**GOOD, WORD: text})
    assert reply.status == 200 or (reply.status == 400 and reply.json["error"])
    assert call("POST", PATH, GOOD).status == 200


def test_an_unknown_model_is_404_with_the_nearest_name(call) -> None:
    reply = call("POST", "/v1/predict/flihgts", GOOD)
    assert reply.status == 404 and "did you mean 'flights'" in reply.json["error"]


def test_reading_a_path_of_writing_is_405_and_says_what_it_takes(call) -> None:
    reply = call("GET", PATH)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
