"""Signatures, answers, a model and examples made by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from aimass.core.artifact import Examples, Model, open_artifact, seal
from aimass.core.signature import Field, Signature


@pytest.fixture
def signature_of() -> Callable[..., Signature]:
    """A signature with these class names; none means regression."""

    def make(*classes: str) -> Signature:
        task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
        outputs: tuple[Field, ...] = (Field("value", "float32"),)
        if classes:
            outputs = (
                Field("label", "string", values=classes),
                Field("probabilities", "float32", (len(classes),)),
            )
        return Signature(task, "y", (), (), outputs)

    return make


@pytest.fixture
def answer_of() -> Callable[..., dict]:
    """The answer of a model that gives these probabilities [N, K]."""

    def make(probabilities: np.ndarray, signature: Signature) -> dict:
        names = np.array(signature.classes, dtype=object)
        return {"label": names[probabilities.argmax(axis=1)], "probabilities": probabilities}

    return make


@pytest.fixture
def context(tmp_path: Path) -> "FakeContext":
    return FakeContext(tmp_path / "out")


class FakeContext:
    """What a step's body may touch."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.resume, self.seed, self.lake = folder, folder, 0, ""
        self.lines: list[str] = []
        self.told: dict = {}

    def report(self, at: float | None = None, **numbers: float) -> None:
        pass

    def log(self, message: str) -> None:
        self.lines.append(message)

    def tell(self, **facts: object) -> None:
        self.told.update(facts)


ROWS = (Field("size", "float64", kind="number", sent="number"), Field("word", "string", kind="category", sent="string"))


@pytest.fixture
def signature() -> Signature:
    """Two raw columns, a number and a word; is it "no" or "yes"?"""
    outputs = (Field("label", "string", values=("no", "yes")), Field("probabilities", "float32", (2,)))
    return Signature("binary", "answer", ROWS, (Field("x.numbers", "float32", (1,)),), outputs)


@pytest.fixture
def model_of(tmp_path: Path, signature: Signature) -> Callable[[float], Model]:
    """A model that says "yes" with probability sigmoid(STEEP * size) and carries useless weights."""

    def make(steep: float = 4.0, weights: int = 0) -> Model:
        folder = tmp_path / f"model-{steep}-{weights}"
        folder.mkdir()
        graph = h.make_graph(
            [
                h.make_node("Cast", ["size"], ["x"], to=T.FLOAT),
                h.make_node("Mul", ["x", "steep"], ["logit"]),
                h.make_node("Sigmoid", ["logit"], ["yes"]),
                h.make_node("Sub", ["one", "yes"], ["no"]),
                h.make_node("Unsqueeze", ["yes", "axis"], ["yes_"]),
                h.make_node("Unsqueeze", ["no", "axis"], ["no_"]),
                h.make_node("Concat", ["no_", "yes_"], ["probabilities"], axis=1),
                h.make_node("ArgMax", ["probabilities"], ["index"], axis=1, keepdims=0),
                h.make_node("Gather", ["names", "index"], ["label"]),
            ],
            "model",
            [h.make_tensor_value_info("size", T.DOUBLE, ["N"]), h.make_tensor_value_info("word", T.STRING, ["N"])],
            [
                h.make_tensor_value_info("label", T.STRING, ["N"]),
                h.make_tensor_value_info("probabilities", T.FLOAT, ["N", 2]),
            ],
            [
                h.make_tensor("steep", T.FLOAT, [], [steep]),
                h.make_tensor("one", T.FLOAT, [], [1.0]),
                h.make_tensor("axis", T.INT64, [1], [1]),
                h.make_tensor("names", T.STRING, [2], [b"no", b"yes"]),
                h.make_tensor("ballast", T.FLOAT, [weights], np.zeros(weights)),
            ],
        )
        proto = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10)
        onnx.save(proto, folder / "model.onnx")
        facts = {"architecture": {"use": "linear"}, "passes": [{"use": "quantize-int8"}] if weights else []}
        (folder / "model.json").write_text(json.dumps(facts))
        (folder / "sample.json").write_text(json.dumps([{"size": 0.5, "word": "é"}]))
        (folder / "signature.json").write_text(json.dumps(signature.as_json()))
        seal("model", folder, [])
        return open_artifact(folder)  # type: ignore[return-value]

    return make


@pytest.fixture
def examples(tmp_path: Path, signature: Signature) -> Examples:
    """3000 held-back rows; the larger `size`, the likelier "yes"."""
    folder = tmp_path / "examples"
    folder.mkdir()
    random = np.random.default_rng(0)
    size = random.normal(size=3000)
    yes = random.random(3000) < 1 / (1 + np.exp(-2 * size))
    table = pa.table({"size": size, "word": ["é"] * 3000, "answer": np.where(yes, "yes", "no")})
    pq.write_table(table, folder / "test.parquet")
    (folder / "signature.json").write_text(json.dumps(signature.as_json()))
    seal("examples", folder, [])
    return open_artifact(folder)  # type: ignore[return-value]
