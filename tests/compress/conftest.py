"""Networks and training tensors made by hand."""

import json
import shutil
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from aimass.core.artifact import Examples, Model, open_artifact, seal
from aimass.core.signature import Field, Signature

ROWS = 600


def numbers() -> tuple[onnx.GraphProto, dict[str, np.ndarray]]:
    """An mlp of real size: 20 numbers and a category of 400 values -> 256 -> 256 -> one logit."""
    random = np.random.default_rng(0)
    shapes = {"embedding": (400, 8), "w0": (256, 28), "b0": (256,), "w1": (256, 256), "b1": (256,),
              "w2": (1, 256), "b2": (1,)}  # fmt: skip
    constants = {
        name: (random.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32) for name, shape in shapes.items()
    }
    constants["column"] = np.array(0, dtype=np.int64)
    nodes = [
        h.make_node("Gather", ["x.categories", "column"], ["index"], axis=1),
        h.make_node("Gather", ["embedding", "index"], ["embedded"]),
        h.make_node("Concat", ["x.numbers", "embedded"], ["h"], axis=1),
        h.make_node("Gemm", ["h", "w0", "b0"], ["g0"], transB=1),
        h.make_node("Relu", ["g0"], ["r0"]),
        h.make_node("Gemm", ["r0", "w1", "b1"], ["g1"], transB=1),
        h.make_node("Relu", ["g1"], ["r1"]),
        h.make_node("Gemm", ["r1", "w2", "b2"], ["scores"], transB=1),
    ]
    inputs = [
        h.make_tensor_value_info("x.numbers", T.FLOAT, ["N", 20]),
        h.make_tensor_value_info("x.categories", T.INT32, ["N", 1]),
    ]
    tensors = {
        "x.numbers": random.normal(size=(ROWS, 20)).astype(np.float32),
        "x.categories": random.integers(0, 400, size=(ROWS, 1)).astype(np.int32),
    }
    return _graph(nodes, inputs, constants, 1), tensors


def pictures() -> tuple[onnx.GraphProto, dict[str, np.ndarray]]:
    """A small residual network with batch norm: 1 x 12 x 12 -> 16 -> 16 -> 3 logits."""
    random = np.random.default_rng(1)
    constants = {
        "k0": random.normal(size=(16, 1, 3, 3)) / 3,
        "k1": random.normal(size=(16, 16, 3, 3)) / 12,
        "gain": 1 + random.random(16),
        "shift": random.normal(size=16),
        "mean": random.normal(size=16),
        "var": 1 + random.random(16),
        "w": random.normal(size=(3, 16)),
        "b": random.normal(size=3),
    }
    constants = {name: value.astype(np.float32) for name, value in constants.items()}
    nodes = [
        h.make_node("Conv", ["x.image.i", "k0"], ["c0"], pads=[1, 1, 1, 1]),
        h.make_node("BatchNormalization", ["c0", "gain", "shift", "mean", "var"], ["n0"]),
        h.make_node("Relu", ["n0"], ["r0"]),
        h.make_node("Conv", ["r0", "k1"], ["c1"], pads=[1, 1, 1, 1]),
        h.make_node("Add", ["r0", "c1"], ["sum"]),
        h.make_node("GlobalAveragePool", ["sum"], ["pooled"]),
        h.make_node("Flatten", ["pooled"], ["flat"]),
        h.make_node("Gemm", ["flat", "w", "b"], ["scores"], transB=1),
    ]
    inputs = [h.make_tensor_value_info("x.image.i", T.FLOAT, ["N", 1, 12, 12])]
    return _graph(nodes, inputs, constants, 3), {"x.image.i": random.random((ROWS, 1, 12, 12)).astype(np.float32)}


def trees() -> tuple[onnx.GraphProto, dict[str, np.ndarray]]:
    """One tree with one split."""
    node = h.make_node(
        "TreeEnsembleRegressor", ["x.numbers"], ["scores"], domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_values=[0.0, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0], target_weights=[-1.0, 1.0], n_targets=1,
    )  # fmt: skip
    inputs = [h.make_tensor_value_info("x.numbers", T.FLOAT, ["N", 20])]
    return _graph([node], inputs, {}, 1), {"x.numbers": np.zeros((ROWS, 20), np.float32)}


def tiny() -> tuple[onnx.GraphProto, dict[str, np.ndarray]]:
    """A linear model of 20 weights."""
    constants = {"w": np.ones((1, 20), np.float32), "b": np.zeros(1, np.float32)}
    nodes = [h.make_node("Gemm", ["x.numbers", "w", "b"], ["scores"], transB=1)]
    inputs = [h.make_tensor_value_info("x.numbers", T.FLOAT, ["N", 20])]
    return _graph(nodes, inputs, constants, 1), {"x.numbers": np.zeros((ROWS, 20), np.float32)}


def _graph(nodes: list, inputs: list, constants: dict[str, np.ndarray], width: int) -> onnx.GraphProto:
    outputs = [h.make_tensor_value_info("scores", T.FLOAT, ["N", width])]
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return h.make_graph(nodes, "network", inputs, outputs, held)


KINDS = {"numbers": numbers, "pictures": pictures, "trees": trees, "tiny": tiny}
TENSORS: dict[Path, dict[str, np.ndarray]] = {}


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], tuple[Model, Examples]]:
    """A model and examples of one of KINDS."""

    def make(kind: str) -> tuple[Model, Examples]:
        graph, tensors = KINDS[kind]()
        folder = tmp_path / f"model-{kind}"
        folder.mkdir()
        opsets = [h.make_opsetid("", 18), h.make_opsetid("ai.onnx.ml", 3)]
        onnx.save(h.make_model(graph, opset_imports=opsets, ir_version=10), folder / "network.onnx")
        signature = _signature(graph.output[0].type.tensor_type.shape.dim[1].dim_value)
        for name in ("graph.onnx", "weights.safetensors", "trees.json"):
            (folder / name).write_bytes(b"")
        (folder / "sample.json").write_text("[]")
        (folder / "signature.json").write_text(json.dumps(signature.as_json()))
        facts = {"architecture": {"use": "mlp"}, "recipe": {"use": "gradient"}, "passes": [], "epochs": 3}
        (folder / "model.json").write_text(json.dumps(facts))
        seal("model", folder, [])
        examples = tmp_path / f"examples-{kind}"
        examples.mkdir()
        seal("examples", examples, [])
        TENSORS[examples] = tensors
        return open_artifact(folder), open_artifact(examples)  # type: ignore[return-value]

    return make


def _signature(width: int) -> Signature:
    classes = ("no", "yes") if width == 1 else tuple("abc")
    outputs = (Field("label", "string", values=classes), Field("probabilities", "float32", (len(classes),)))
    return Signature("binary" if width == 1 else "multiclass", "y", (), (), outputs)


@pytest.fixture(autouse=True)
def neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The training tensors come from here, and the network alone stands for the assembled file: `prepare` and
    `models` have tests of their own."""
    cache = types.ModuleType("aimass.prepare.cache")
    cache.read_split = lambda folder, split: TENSORS[folder]  # type: ignore[attr-defined]
    assembly = types.ModuleType("aimass.models.assemble")
    assembly.assemble = lambda folder: shutil.copyfile(  # type: ignore[attr-defined]
        folder / "network.onnx", folder / "model.onnx"
    )
    for module in (cache, assembly):
        monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture
def tensors_of() -> Callable[[Examples], dict[str, np.ndarray]]:
    """The training tensors of examples."""
    return lambda examples: TENSORS[examples.folder]


class FakeContext:
    """What a step's body may touch."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.resume, self.seed, self.lake = folder, folder, 0, ""
        self.told: dict = {}

    def report(self, at: float | None = None, **numbers: float) -> None:
        pass

    def log(self, message: str) -> None:
        pass

    def tell(self, **facts: object) -> None:
        self.told.update(facts)


@pytest.fixture
def context_in(tmp_path: Path) -> Callable[[str], FakeContext]:
    return lambda name: FakeContext(tmp_path / name)
