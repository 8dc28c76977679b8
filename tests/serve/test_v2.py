"""The Open Inference Protocol V2: what its clients rely on, and what a wrong request is told."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from tests.serve.conftest import SEEN, WORD

INFER = "/v2/models/flights/infer"
SIZE = {"name": "size", "shape": [2], "datatype": "FP64", "data": [0.5, -2.0]}
COLOUR = {"name": WORD, "shape": [2], "datatype": "BYTES", "data": ["red", "é"]}
TIME = {"name": "seen", "shape": [2], "datatype": "INT64", "data": [SEEN, SEEN + 1]}
GOOD = {"inputs": [SIZE, COLOUR, TIME]}


def bent(**change: Any) -> dict:
    return {"inputs": [{**SIZE, **change}, COLOUR, TIME]}


def outputs_of(reply: Any) -> dict[str, dict]:
    return {output["name"]: output for output in reply.json["outputs"]}


def binary(*, short: int = 0, asked: dict | None = None) -> tuple[bytes, dict[str, str]]:
    """GOOD as tritonclient sends it: tensors behind the JSON."""
    texts = b"".join(struct.pack("<I", len(t.encode())) + t.encode() for t in COLOUR["data"])
    raws = [np.array(SIZE["data"]).tobytes(), texts, np.array(TIME["data"], np.int64).tobytes()]
    inputs = [
        {**{k: v for k, v in tensor.items() if k != "data"}, "parameters": {"binary_data_size": len(raw)}}
        for tensor, raw in zip(GOOD["inputs"], raws, strict=True)
    ]
    head = json.dumps({"inputs": inputs, **(asked or {})}).encode()
    whole = head + b"".join(raws)
    return whole[: len(whole) - short], {"inference_header_content_length": str(len(head))}


def test_metadata_comes_from_the_signature(call) -> None:
    facts = call("GET", "/v2/models/flights").json
    assert facts["inputs"] == [
        {"name": "size", "datatype": "FP64", "shape": [-1]},
        {"name": WORD, "datatype": "BYTES", "shape": [-1]},
        {"name": "seen", "datatype": "INT64", "shape": [-1]},
    ]
    assert facts["outputs"][1] == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}
    assert facts["versions"] == ["3"]
    assert call("GET", "/v2/models/flights/versions/3").json == facts
    assert {"name", "version", "extensions"} <= set(call("GET", "/v2").json)


def test_health_is_said_in_status_and_body(call) -> None:
    assert call("GET", "/v2/health/live").json == {"live": True}
    assert call("GET", "/v2/health/ready").json == {"ready": True}
    assert call("GET", "/v2/models/flights/ready").json == {"name": "flights", "ready": True}
    call.app.draining = True
    for path in ("/v2/health/ready", "/v2/models/flights/ready", "/v2/models/flights/versions/3/ready"):
        reply = call("GET", path)
        assert (reply.status, reply.headers["connection"]) == (503, "close")
    assert call("GET", "/v2/health/live").status == 200
    assert call("POST", INFER, GOOD).status == 200


def test_inference_equals_the_engine_and_the_records(call, engine) -> None:
    reply = call("POST", INFER, {**GOOD, "id": "a-7"})
    assert reply.status == 200
    assert (reply.json["id"], reply.json["model_name"], reply.json["model_version"]) == ("a-7", "flights", "3")
    wanted = engine(SIZE["data"], COLOUR["data"], TIME["data"])
    found = outputs_of(reply)
    assert found["label"]["data"] == wanted["label"].tolist()
    assert found["probabilities"]["shape"] == [2, 2]
    assert np.array_equal(np.array(found["probabilities"]["data"], np.float32), wanted["probabilities"].ravel())
    records = [
        {"size": 0.5, WORD: "red", "seen": "2013-01-01T00:00:00"},
        {"size": -2.0, WORD: "é", "seen": "2013-01-01T00:00:00.000001"},
    ]
    plain = call("POST", "/v1/predict/flights", {"records": records}).json["predictions"]
    assert [p for row in plain for p in row["probabilities"].values()] == found["probabilities"]["data"]


def test_an_answer_without_an_id_has_none(call) -> None:
    assert "id" not in call("POST", INFER, GOOD).json


def test_the_version_in_the_path_is_served_and_no_other(call) -> None:
    assert call("POST", "/v2/models/flights/versions/3/infer", GOOD).status == 200
    for path in ("/v2/models/flights/versions/4/infer", "/v2/models/flights/versions/4", "/v2/models/other/infer"):
        reply = call("POST", path, GOOD)
        assert reply.status == 404 and reply.json["expected"]


def test_outputs_are_chosen_by_name(call) -> None:
    reply = call("POST", INFER, {**GOOD, "outputs": [{"name": "probabilities"}]})
    assert list(outputs_of(reply)) == ["probabilities"]
    reply = call("POST", INFER, {**GOOD, "outputs": [{"name": "probs"}]})
    assert reply.status == 400 and "probs" in reply.json["error"]


def test_nested_data_is_flattened_if_it_is_even(call) -> None:
    assert call("POST", INFER, bent(data=[[0.5], [-2.0]])).json == call("POST", INFER, GOOD).json
    assert call("POST", INFER, bent(data=[[0.5, -2.0], []])).status == 400


def test_tensors_may_come_and_go_as_bytes(call) -> None:
    plain = outputs_of(call("POST", INFER, GOOD))
    body, head = binary(asked={"parameters": {"binary_data_output": True}})
    reply = call("POST", INFER, body, **head)
    assert reply.status == 200 and reply.headers["content-type"] == "application/octet-stream"
    size = int(reply.headers["inference-header-content-length"])
    told = {output["name"]: output for output in json.loads(reply.body[:size])["outputs"]}
    labels, numbers = (told[name]["parameters"]["binary_data_size"] for name in ("label", "probabilities"))
    assert size + labels + numbers == len(reply.body)
    assert np.frombuffer(reply.body[-numbers:], "<f4").tolist() == plain["probabilities"]["data"]
    first = plain["label"]["data"][0].encode()
    assert reply.body[size : size + 4 + len(first)] == struct.pack("<I", len(first)) + first
    body, head = binary()
    assert outputs_of(call("POST", INFER, body, **head)) == plain


@pytest.mark.parametrize("short", [1, 8, 20])
def test_bytes_cut_short_are_refused(short, call) -> None:
    body, head = binary(short=short)
    assert call("POST", INFER, body, **head).status == 400


@pytest.mark.parametrize("length", ["999999", "-1", "ten", ""])
def test_a_wrong_length_of_the_head_is_refused(length, call) -> None:
    body, _ = binary()
    reply = call("POST", INFER, body, inference_header_content_length=length)
    assert reply.status == 400 and "inference-header-content-length" in reply.json["error"]


def test_a_missing_number_is_null_or_nan(call) -> None:
    nan = json.dumps(bent(data=[float("nan"), -2.0])).encode()
    assert call("POST", INFER, nan).json == call("POST", INFER, bent(data=[None, -2.0])).json


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"inputs": [', "not JSON"),
        ([], "not an object"),
        ({}, "'inputs'"),
        ({"inputs": []}, "'inputs'"),
        ({"inputs": [7]}, "'inputs'"),
        ({"inputs": [SIZE, COLOUR]}, "'seen'"),
        ({"inputs": [SIZE, SIZE, COLOUR, TIME]}, "twice"),
        ({"inputs": [SIZE, COLOUR, {**TIME, "shape": [1], "data": [1]}]}, "rows"),
        (bent(name="sise"), "did you mean 'size'"),
        (bent(name=None), "None"),
        (bent(datatype="NOPE"), "'NOPE'"),
        (bent(datatype="FP32"), "'FP32'"),
        (bent(datatype=[]), "size"),
        (bent(shape=[3]), "2 values"),
        (bent(shape=[2, 3]), "[2, 3]"),
        (bent(shape=[-2]), "-2"),
        (bent(shape=[True]), "True"),
        (bent(shape=[]), "[]"),
        (bent(shape=None), "None"),
        (bent(shape=[0], data=[]), "no rows"),
        (bent(data=None), "size"),
        (bent(data=[1.0, "2"]), "'2'"),
        (bent(data=[1.0, True]), "True"),
        (bent(data=[1.0, {}]), "{}"),
        (bent(data=[1.0, 10**400]), "too large"),
        ({"inputs": [SIZE, COLOUR, {**TIME, "data": [1, 1.5]}]}, "1.5"),
        ({"inputs": [SIZE, COLOUR, {**TIME, "data": [1, None]}]}, "None"),
        ({"inputs": [SIZE, COLOUR, {**TIME, "data": [1, 2**63]}]}, "too large"),
        ({"inputs": [SIZE, {**COLOUR, "data": ["a", 1]}, TIME]}, "'1'"),
        ({**GOOD, "id": 7}, "id"),
        ({**GOOD, "parameters": []}, "'parameters'"),
        ({**GOOD, "parameters": {"sequence_id": 3}}, "sequence_id"),
        ({**GOOD, "outputs": "probabilities"}, "'outputs'"),
        ({**GOOD, "outputs": [{"name": "label", "parameters": {"classification": 3}}]}, "classification"),
        (bent(parameters={"binary_data_size": -1}), "binary_data_size"),
        (bent(parameters={"binary_data_size": 16}), "binary_data_size"),
    ],
)
def test_a_wrong_request_is_a_400_that_names_what_is_wrong(body, named, call) -> None:
    reply = call("POST", INFER, body)
    assert reply.status == 400
    assert named in reply.json["error"] or named in reply.json["expected"]
    assert call("POST", INFER, GOOD).status == 200


def test_too_many_rows_are_refused_before_they_are_read(call) -> None:
    many = {"inputs": [{**SIZE, "shape": [10_001]}, COLOUR, TIME]}
    assert call("POST", INFER, many).status == 413


def test_what_triton_clients_also_call_is_answered(call) -> None:
    call("POST", INFER, GOOD)
    call("POST", INFER, {})
    stats = call("GET", "/v2/models/flights/stats").json["model_stats"][0]
    assert (stats["inference_count"], stats["execution_count"]) == (2, 1)
    assert (stats["inference_stats"]["success"]["count"], stats["inference_stats"]["fail"]["count"]) == (1, 1)
    assert call("GET", "/v2/models/stats").json["model_stats"] == [stats]
    config = call("GET", "/v2/models/flights/config").json
    assert config["input"][1] == {"name": WORD, "data_type": "TYPE_STRING", "dims": [-1]}
    assert call("POST", "/v2/repository/index").json == [
        {"name": "flights", "version": "3", "state": "READY", "reason": ""}
    ]
