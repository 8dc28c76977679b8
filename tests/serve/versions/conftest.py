"""A model whose answer tells which version gave it, and a repository of several."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from aimass.core.signature import Field, Signature

SIGNATURE = Signature(
    "regression",
    "y",
    (Field("a", "float64", kind="number", sent="number"),),
    (Field("x.numbers", "float32", (1,)),),
    (Field("value", "float64"),),
)


def write_version(folder: Path, number: int, *, sample: float = 1.0) -> Path:
    """value = a + 1000 * NUMBER"""
    node = h.make_node("Add", ["a", "offset"], ["value"])
    graph = h.make_graph(
        [node],
        "model",
        [h.make_tensor_value_info("a", T.DOUBLE, ["N"])],
        [h.make_tensor_value_info("value", T.DOUBLE, ["N"])],
        [h.make_tensor("offset", T.DOUBLE, [], [1000.0 * number])],
    )
    folder.mkdir(parents=True)
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10), folder / "model.onnx")
    (folder / "signature.json").write_text(json.dumps(SIGNATURE.as_json()))
    (folder / "sample.json").write_text(json.dumps([{"a": sample}, {"a": -2.5}]))
    return folder


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 to 4 of m; 5 is damaged and 6 gives no numbers."""
    root = tmp_path_factory.mktemp("shelf")
    for number in range(1, 5):
        write_version(root / "m" / str(number), number)
    (write_version(root / "m" / "5", 5) / "model.onnx").write_bytes(b"no model")
    write_version(root / "m" / "6", 6, sample=1e308)
    (root / "m" / "6" / "sample.json").write_text('[{"a": null}]')
    return root
