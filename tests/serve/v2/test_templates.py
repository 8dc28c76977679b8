"""Requests that were seen before are read by what they have in common, and mean what they always meant."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.core.signature import Field
from aimass.serve.messages import Refused, parsed
from aimass.serve.v2.forms import Bytes, Values
from aimass.serve.v2.read import read, split
from aimass.serve.v2.said import Said
from aimass.serve.v2.templates import Templates, cut

FIELDS = {
    "x": Field("x", "float32", (3,)),
    "n": Field("n", "int64"),
    "b": Field("b", "bool"),
    "word": Field("word", "string"),
}
TYPES = {"x": "FP32", "n": "INT64", "b": "BOOL", "word": "BYTES"}
SAID = Said({"model_name": "m"}, [(Field("y", "float32"), False)])


def request(values: dict[str, list[Any]], rows: int, **more: Any) -> dict[str, Any]:
    inputs = [
        {"name": name, "shape": [rows, 3] if name == "x" else [rows], "datatype": TYPES[name], "data": data}
        for name, data in values.items()
    ]
    return {"inputs": inputs, **more}


def columns(*names: str) -> dict[str, Field]:
    return {name: FIELDS[name] for name in names}


def slowly(body: bytes, fields: dict[str, Field]) -> Any:
    return read(parsed(body), memoryview(b""), fields, ["y"], 1000)


def taught(body: bytes, fields: dict[str, Field]) -> Templates:
    templates = Templates(fields)
    templates.learn(body, parsed(body), slowly(body, fields), SAID)
    return templates


def same(found: Any, expected: Any) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name].dtype == expected[name].dtype and found[name].shape == expected[name].shape
        np.testing.assert_array_equal(found[name], expected[name])


VALUES = {
    "x": st.one_of(st.none(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False, width=32)),
    "n": st.integers(-(2**63), 2**63 - 1),
    "b": st.booleans(),
    "word": st.text(),
}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[str], int, list[dict[str, list[Any]]], bool]:
    """Columns, rows, and the values of several requests for them; whether the JSON has blanks."""
    names = draw(st.lists(st.sampled_from(list(FIELDS)), min_size=1, unique=True))
    rows = draw(st.integers(1, 4))
    sizes = {name: rows * (3 if name == "x" else 1) for name in names}
    requests = [
        {name: draw(st.lists(VALUES[name], min_size=size, max_size=size)) for name, size in sizes.items()}
        for _ in range(draw(st.integers(2, 4)))
    ]
    return names, rows, requests, draw(st.booleans())


@given(case=pairs(), ascii=st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_batch_of_like_requests_is_what_each_says_alone(case: Any, ascii: bool) -> None:
    names, rows, requests, blanks = case
    fields, separators = columns(*names), None if blanks else (",", ":")
    bodies = [
        json.dumps(request(values, rows), separators=separators, ensure_ascii=ascii).encode() for values in requests
    ]
    templates = taught(bodies[0], fields)
    found = [templates.find_values(body) for body in bodies]
    known = [(form, texts, body) for hit, body in zip(found, bodies, strict=True) if hit for form, texts in [hit]]
    if names == ["x"] or set(names) <= {"x", "n", "b"}:
        assert len(known) == len(bodies)  # numbers cannot hide anything
    if not known:
        return
    form = known[0][0]
    expected = [slowly(body, fields).tensors for _, _, body in known]
    together = {name: np.concatenate([part[name] for part in expected]) for name in fields}
    same(form.join([texts for _, texts, _ in known]), together)


@pytest.mark.parametrize(
    "hole",
    ["1,2", "1,2,3,4", "1,2,", "1,,2", '"1",2,3', "[1],2,3", "1,2,true", '1,2,3]}],"a":[', "NaN,1,2", "1 2,3,4", ""],
)
def test_what_does_not_fit_into_the_hole_is_read_with_care(hole: str) -> None:
    body = json.dumps(request({"x": [1.0, 2.0, 3.0]}, 1), separators=(",", ":")).encode()
    templates = taught(body, columns("x"))
    bent = body.replace(b"1.0,2.0,3.0", hole.encode())
    hit = templates.find_values(bent)
    if hit is None:
        return
    with pytest.raises((ValueError, OverflowError, Refused)):  # and then the others are asked for without it
        hit[0].join([hit[1]])


@pytest.mark.parametrize(
    "strange",
    [
        b'{"id":"\\"data\\":[","inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}',
        b'{"parameters":{"data":[]},"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}',
        b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[9,9,9],"data":[1,2,3]}]}',
        b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[[1,2,3]]}]}',
        b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","parameters":{"data":"[1,2,3]"},"data":[1,2,3]}]}',
    ],
)
def test_a_request_whose_lists_are_not_its_tensors_is_never_looked_up_wrongly(strange: bytes) -> None:
    fields = columns("x")
    templates = taught(strange, fields)
    other = strange.replace(b"1,2,3", b"4,5,6")
    hit = templates.find_values(other)
    if hit is not None:
        same(hit[0].join([hit[1]]), slowly(other, fields).tensors)


def test_a_request_with_an_id_is_read_each_time_and_a_time_limit_is_part_of_what_is_known() -> None:
    body = json.dumps(request({"x": [1.0, 2.0, 3.0]}, 1, id="a")).encode()
    assert taught(body, columns("x")).find_values(body) is None
    limited = json.dumps(request({"x": [1.0, 2.0, 3.0]}, 1, parameters={"timeout": 2000})).encode()
    hit = taught(limited, columns("x")).find_values(limited)
    assert hit is not None and hit[0].timeout == 0.002


@pytest.mark.parametrize("hole", ["", " ", "\n"])
def test_a_hole_without_values_is_not_a_row(hole: str) -> None:
    body = json.dumps(request({"n": [1]}, 1), separators=(",", ":")).encode()
    templates = taught(body, columns("n"))
    hit = templates.find_values(body.replace(b"[1]}]", b"[%b]}]" % hole.encode()))
    assert hit is not None
    with pytest.raises(Refused):
        hit[0].join([hit[1]])


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 10**400])
def test_a_whole_number_that_is_too_large_is_refused(number: int) -> None:
    body = json.dumps(request({"n": [1]}, 1), separators=(",", ":")).encode()
    templates = taught(body, columns("n"))
    hit = templates.find_values(body.replace(b'"data":[1]', b'"data":[%d]' % number))
    assert hit is not None
    with pytest.raises(Refused):
        hit[0].join([hit[1]])


def test_only_so_much_is_remembered() -> None:
    fields = columns("x")
    templates = Templates(fields)
    for i in range(1000):
        body = json.dumps(request({"x": [1.0, 2.0, 3.0]}, 1, parameters={f"mine{i}": 1})).encode()
        templates.learn(body, parsed(body), slowly(body, fields), SAID)
    assert len(templates.values) <= 256


@given(
    values=st.lists(st.floats(width=32), min_size=6, max_size=6), numbers=st.lists(VALUES["n"], min_size=2, max_size=2)
)
def test_bytes_behind_a_known_head_are_the_tensors(values: list[float], numbers: list[int]) -> None:
    fields = columns("x", "n")
    inputs = [
        {"name": "x", "shape": [2, 3], "datatype": "FP32", "parameters": {"binary_data_size": 24}},
        {"name": "n", "shape": [2], "datatype": "INT64", "parameters": {"binary_data_size": 16}},
    ]
    head = json.dumps({"inputs": inputs}).encode()
    tail = np.array(values, np.float32).tobytes() + np.array(numbers, np.int64).tobytes()
    asked = read(parsed(head), memoryview(tail), fields, ["y"], 100)
    templates = Templates(fields)
    templates.learn(head, parsed(head), asked, SAID)
    form = templates.bytes[head]
    assert isinstance(form, Bytes) and form.size == len(tail)
    twice = {name: np.concatenate([array, array]) for name, array in asked.tensors.items()}
    same(form.join([memoryview(tail), memoryview(tail)]), twice)


@given(text=st.binary(max_size=80))
def test_cutting_loses_nothing(text: bytes) -> None:
    body = b'{"data":[' + text + b"]}"
    around, texts = cut(body)
    whole = b"".join(piece + (texts[i] if i < len(texts) else b"") for i, piece in enumerate(around))
    assert whole == body


def test_the_length_of_the_head_lies_within_the_body() -> None:
    assert split(b"{}12", b"2") == (b"{}", memoryview(b"12"))
    for length in (b"5", b"-1", b"x", b""):
        with pytest.raises(Refused):
            split(b"{}12", length)


def test_values_are_the_class_of_requests_in_json() -> None:
    body = json.dumps(request({"n": [1]}, 1)).encode()
    hit = taught(body, columns("n")).find_values(body)
    assert hit is not None and isinstance(hit[0], Values)
