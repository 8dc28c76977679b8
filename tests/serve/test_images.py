"""Pictures as PNG and JPEG, however a protocol carries them: the pixels a model takes, or a 4xx that says why not."""

from __future__ import annotations

import base64
import io
import json
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from PIL import Image
from tests.serve.conftest import Caller

from aimass.core.signature import Field, Signature
from aimass.serve.app import App
from aimass.serve.predictor import Served, Wanted, load

PATH = "/v1/predict/brightness"
INFER = "/v2/models/brightness/infer"
SHAPE = (4, 3, 1)
PIXELS = np.arange(12, dtype=np.uint8).reshape(SHAPE) * 20
VALUE = PIXELS.mean()


def write_brightness(folder: Path, *, weighted: bool = False) -> Path:
    """value = mean of the pixels; WEIGHTED: times another column."""
    rows = [Field("image", "uint8", SHAPE, kind="image", sent="image")]
    takes = [h.make_tensor_value_info("image", T.UINT8, ["N", *SHAPE])]
    nodes = [h.make_node("Cast", ["image"], ["wide"], to=T.DOUBLE),
             h.make_node("ReduceMean", ["wide", "axes"], ["mean"], keepdims=0)]  # fmt: skip
    if weighted:
        rows.append(Field("weight", "float64", kind="number", sent="number"))
        takes.append(h.make_tensor_value_info("weight", T.DOUBLE, ["N"]))
        nodes.append(h.make_node("Mul", ["mean", "weight"], ["made"]))
    nodes.append(h.make_node("Cast", ["made" if weighted else "mean"], ["value"], to=T.FLOAT))
    gives = [h.make_tensor_value_info("value", T.FLOAT, ["N"])]
    graph = h.make_graph(nodes, "model", takes, gives, [h.make_tensor("axes", T.INT64, [3], [1, 2, 3])])
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10), folder / "model.onnx")
    signature = Signature("regression", "light", tuple(rows), (), (Field("value", "float32"),))
    (folder / "signature.json").write_text(json.dumps(signature.as_json()))
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = load(Wanted(write_brightness(tmp_path_factory.mktemp("images") / "m"), "brightness", 1))
    yield found
    found.close()


@pytest.fixture
def ask(model: Served) -> Caller:
    return Caller(App([model]))


def packed(pixels: np.ndarray = PIXELS, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(out, kind)
    return out.getvalue()


def b64(raw: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(raw).decode()}


def values(reply: Any) -> list[float]:
    assert reply.status == 200, reply.body
    return [row["value"] for row in reply.json["predictions"]]


def test_a_body_that_is_a_png_is_a_record(ask: Caller) -> None:
    plain = values(ask("POST", PATH, {"image": PIXELS.tolist()}))
    assert values(ask("POST", PATH, packed(), content_type="image/png")) == plain == [VALUE]


def test_a_body_that_is_a_jpeg_is_a_record(ask: Caller) -> None:
    raw = packed(np.full(SHAPE, 99, np.uint8), "JPEG")
    assert values(ask("POST", PATH, raw, content_type="image/jpeg; q=1")) == pytest.approx([99], abs=2)


def test_records_carry_pictures_in_base64_beside_pixels(ask: Caller) -> None:
    records = [{"image": b64(packed())}, {"image": PIXELS.tolist()}, {"image": b64(packed(PIXELS + 10))}]
    assert values(ask("POST", PATH, {"records": records})) == [VALUE, VALUE, VALUE + 10]


def test_another_size_is_a_400_naming_both_and_resize_scales_it(ask: Caller) -> None:
    large = packed(np.full((40, 30, 1), 80, np.uint8))
    reply = ask("POST", PATH, large, content_type="image/png")
    assert reply.status == 400 and "40 x 30, the model takes 4 x 3" in reply.json["error"]
    assert "?resize=true" in reply.json["to_do"]


def test_resize_is_asked_for_in_the_query(ask: Caller) -> None:
    large = packed(np.full((40, 30, 1), 80, np.uint8))
    assert values(ask("POST", PATH, large, content_type="image/png", query="resize=true")) == [80]
    assert values(ask("POST", PATH, {"image": b64(large)}, query="resize=true&x=1")) == [80]
    assert ask("POST", PATH, large, content_type="image/png", query="resize=perhaps").status == 400


def test_what_takes_long_is_unpacked_beside_the_event_loop(ask: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[bool] = []
    from aimass.collect import pictures

    inner = pictures.as_pixels
    monkeypatch.setattr(
        pictures, "as_pixels",
        lambda *a, **k: (threads.append(threading.current_thread() is threading.main_thread()), inner(*a, **k))[1],
    )  # fmt: skip
    values(ask("POST", PATH, packed(), content_type="image/png"))
    values(ask("POST", PATH, packed(), content_type="image/png", query="resize=true"))
    values(ask("POST", PATH, {"records": [{"image": b64(packed())}] * 6000}))
    assert threads == [True, False] + [False] * 6000


@pytest.mark.parametrize(
    ("body", "kind", "status", "says"),
    [
        (packed()[:40], "image/png", 400, "record 0: field 'image' is a damaged picture"),
        (b"", "image/png", 400, "nothing"),
        (b"GIF89a", "image/png", 400, "a GIF"),
        (b"GIF89a", "image/gif", 415, "image/gif"),
        ({"image": {"b64": "***"}}, "application/json", 400, "not base64"),
        ({"image": {"b64": 7}}, "application/json", 400, "not base64"),
        ({"image": {"b64": "AAAA"}}, "application/json", 400, "not a picture"),
        ({"image": {"b64": "AAAA", "more": 1}}, "application/json", 400, "image"),
        ({"records": [{"image": PIXELS.tolist()}, {"image": b64(packed()[:40])}]}, "application/json", 400, "record 1"),
        ({"records": [{"image": b64(packed())}, 7]}, "application/json", 400, "record 1"),
    ],
)  # fmt: skip
def test_a_wrong_picture_is_a_4xx_that_says_why(body: Any, kind: str, status: int, says: str, ask: Caller) -> None:
    reply = ask("POST", PATH, body, content_type=kind)
    assert reply.status == status and says in reply.json["error"]


def test_small_pictures_that_are_many_are_a_413_before_one_is_unpacked(ask: Caller, monkeypatch) -> None:
    monkeypatch.setattr("aimass.serve.images.PIXELS", 100)
    monkeypatch.setattr("aimass.collect.pictures.as_pixels", lambda *_, **__: pytest.fail("unpacked"))
    reply = ask("POST", PATH, {"records": [{"image": b64(packed())}] * 9})
    assert reply.status == 413 and "108 pixels" in reply.json["error"]


def test_a_model_that_takes_more_than_a_picture_wants_records(tmp_path: Path) -> None:
    model = load(Wanted(write_brightness(tmp_path, weighted=True), "brightness"))
    ask = Caller(App([model]))
    reply = ask("POST", PATH, packed(), content_type="image/png")
    assert reply.status == 415 and "weight" in reply.json["error"]
    assert values(ask("POST", PATH, {"image": b64(packed()), "weight": 2})) == [2 * VALUE]
    model.close()


def test_a_model_without_pictures_takes_none(call: Caller) -> None:
    reply = call("POST", "/v1/predict/flights", packed(), content_type="image/png")
    assert reply.status == 415 and "size" in reply.json["error"]


# -- V2 -----------------------------------------------------------------------------------------------------


def tensor(pictures: list[bytes], **parameters: Any) -> dict[str, Any]:
    data = [base64.b64encode(raw).decode() for raw in pictures]
    told = {"content_type": "image/png", **parameters}
    return {"name": "image", "shape": [len(pictures)], "datatype": "BYTES", "data": data, "parameters": told}


def test_v2_takes_base64_in_a_tensor_that_says_what_it_holds(ask: Caller) -> None:
    body = {"inputs": [tensor([packed(), packed(PIXELS + 10)])]}
    for _ in range(2):
        assert ask("POST", INFER, body).json["outputs"][0]["data"] == [VALUE, VALUE + 10]
    large = tensor([packed(np.full((40, 30, 1), 80, np.uint8))], resize=True)
    assert ask("POST", INFER, {"inputs": [large]}).json["outputs"][0]["data"] == [80]


def test_v2_takes_the_files_themselves_behind_the_json(ask: Caller) -> None:
    elements = b"".join(struct.pack("<I", len(raw)) + raw for raw in (packed(), packed(PIXELS + 10)))
    told = {"content_type": "image/png", "binary_data_size": len(elements)}
    said = json.dumps(
        {"inputs": [{"name": "image", "shape": [2, 1], "datatype": "BYTES", "parameters": told}]}
    ).encode()
    reply = ask("POST", INFER, said + elements, inference_header_content_length=str(len(said)))
    assert reply.json["outputs"][0]["data"] == [VALUE, VALUE + 10]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"parameters": {}}, "content_type None"),
        ({"parameters": {"content_type": "image/gif"}}, "image/gif"),
        ({"shape": [1, 4, 3, 1]}, "has shape"),
        ({"shape": [-1]}, "has shape"),
        ({"shape": [2]}, "has no 2 texts"),
        ({"data": ["*"]}, "picture 0 is not base64"),
        ({"data": ["AAAA"]}, "not a picture"),
        ({"data": None}, "has no 1 texts"),
        ({"shape": [0], "data": []}, "no rows"),
    ],
)
def test_v2_says_what_is_wrong_with_a_tensor_of_pictures(change: dict[str, Any], says: str, ask: Caller) -> None:
    reply = ask("POST", INFER, {"inputs": [{**tensor([packed()]), **change}]})
    assert reply.status == 400 and says in reply.json["error"]
