"""Models whose cost, size or answers are known, as folders that can be served."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper
from ours import SHAPES, artifact

from aimass.core.signature import Field, Signature
from aimass.engines.onnxruntime import OnnxRuntime

SIDE = 64  # of the matrices of `costly`: small enough that their products cost the same however many rows there are
NUMBERS = (Field("a", "float64", kind="number", sent="number"),)


def tab_and_cnn(given: Path | None, folder: Path) -> dict[str, Path]:
    """The two of the comparison: those in GIVEN, else of the same shapes with weights drawn by lot."""
    made = given or folder / "onnx"
    if given is None:
        made.mkdir()
        onnx.save(_model(_tab(), ["N", 30], ["N", 2]), made / "tab.onnx")
        onnx.save(_model(_cnn(), ["N", 1, 28, 28], ["N", 10]), made / "cnn.onnx")
    return {name: artifact(made / f"{name}.onnx", name, folder / name) for name in SHAPES}


def body_of(name: str, rows: int = 1, **parameters: object) -> bytes:
    """A V2 request to tab or cnn, as JSON."""
    shape = (rows, *SHAPES[name][0])
    data = np.random.default_rng(0).random(shape).round(4).ravel().tolist()
    said = {"inputs": [{"name": "x", "shape": list(shape), "datatype": "FP32", "data": data}]}
    return json.dumps({**said, **({"parameters": parameters} if parameters else {})}).encode()


def numbered(folder: Path, number: int) -> Path:
    """value = a + 1000 * NUMBER: every answer tells who gave it."""
    offset = h.make_tensor("offset", T.DOUBLE, [], [1000.0 * number])
    return _numbers(folder, [h.make_node("Add", ["a", "offset"], ["value"])], [offset])


def costly(folder: Path, seconds: float) -> Path:
    """value = about a, for about SECONDS of work a row on this machine, however many rows a call has."""
    few, many = (_cost(_chain(folder.with_name(f"try-{n}"), n)) for n in (4, 12))
    each = (many - few) / 8
    return _chain(folder, max(1, round(1 + seconds / each)))


def large(folder: Path, megabytes: int) -> Path:
    """value = a, beside weights of so many MEGABYTES that count for nothing."""
    weights = np.random.default_rng(0).standard_normal((megabytes << 18) // 1024 * 1024).astype(np.float32)
    nodes = [
        h.make_node("Cast", ["a"], ["a32"], to=T.FLOAT),
        h.make_node("Gather", ["weights", "first"], ["one"], axis=0),
        h.make_node("ReduceSum", ["one"], ["sum"], keepdims=0),
        h.make_node("Mul", ["sum", "zero"], ["nothing"]),
        h.make_node("Add", ["a32", "nothing"], ["value32"]),
        h.make_node("Cast", ["value32"], ["value"], to=T.DOUBLE),
    ]
    first = h.make_tensor("first", T.INT64, [1], [0])
    zero = h.make_tensor("zero", T.FLOAT, [], [0.0])
    return _numbers(folder, nodes, [numpy_helper.from_array(weights.reshape(-1, 1024), "weights"), first, zero])


def curved(folder: Path, columns: int = 8) -> Path:
    """value = what a small network makes of so many COLUMNS of numbers: there is something to explain."""
    rng, names = np.random.default_rng(2), [f"a{i}" for i in range(columns)]
    nodes = [
        *(h.make_node("Unsqueeze", [name, "axis"], [f"{name}_"]) for name in names),
        h.make_node("Concat", [f"{name}_" for name in names], ["x"], axis=1),
        h.make_node("MatMul", ["x", "first"], ["h"]),
        h.make_node("Tanh", ["h"], ["t"]),
        h.make_node("MatMul", ["t", "second"], ["y"]),
        h.make_node("Squeeze", ["y", "axis"], ["moved"]),
        h.make_node("Add", ["moved", "five"], ["value"]),
    ]
    weights = {"first": rng.standard_normal((columns, 16)), "second": rng.standard_normal((16, 1)) / 4}
    constants = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    constants += [h.make_tensor("axis", T.INT64, [1], [1]), h.make_tensor("five", T.DOUBLE, [], [5.0])]
    fields = tuple(Field(name, "float64", kind="number", sent="number") for name in names)
    sample = [{name: round(float(rng.standard_normal()), 3) for name in names} for _ in range(16)]
    return _numbers(folder, nodes, constants, fields, sample)


def _chain(folder: Path, products: int) -> Path:
    """So many products of SIDE x SIDE matrices for each row."""
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((SIDE, SIDE)))[0].astype(np.float32)
    nodes = [
        h.make_node("Cast", ["a"], ["a32"], to=T.FLOAT),
        h.make_node("Unsqueeze", ["a32", "axes"], ["a3"]),
        h.make_node("Mul", ["a3", "eye"], ["m0"]),
        *(h.make_node("MatMul", [f"m{i}", "turn"], [f"m{i + 1}"]) for i in range(products)),
        h.make_node("ReduceSum", [f"m{products}", "axes"], ["value32"], keepdims=0),
        h.make_node("Cast", ["value32"], ["value"], to=T.DOUBLE),
    ]
    axes = h.make_tensor("axes", T.INT64, [2], [1, 2])
    eye = numpy_helper.from_array(np.eye(SIDE, dtype=np.float32)[None], "eye")
    return _numbers(folder, nodes, [axes, eye, numpy_helper.from_array(turn, "turn")])


def _cost(folder: Path) -> float:
    """Seconds of a row in a call of eight, the least of several."""
    predict, taken = OnnxRuntime().load(folder), []
    for _ in range(30):
        begin = time.perf_counter()
        predict({"a": np.ones(8)})
        taken.append(time.perf_counter() - begin)
    shutil.rmtree(folder)
    return min(taken) / 8


def _numbers(
    folder: Path, nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto], fields: tuple[Field, ...] = NUMBERS,
    sample: Sequence[dict[str, float]] = ({"a": 1.0}, {"a": -2.5}),
) -> Path:  # fmt: skip
    """A folder that takes numbers and gives one."""
    takes = [h.make_tensor_value_info(field.name, T.DOUBLE, ["N"]) for field in fields]
    gives = [h.make_tensor_value_info("value", T.DOUBLE, ["N"])]
    graph = h.make_graph(nodes, "model", takes, gives, constants)
    folder.mkdir(parents=True)
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10), folder / "model.onnx")
    signature = Signature(
        "regression", "y", fields, (Field("x", "float32", (1,)),), (Field("value", "float64"),)
    )  # fmt: skip
    (folder / "signature.json").write_text(json.dumps(signature.as_json()))
    (folder / "sample.json").write_text(json.dumps(list(sample)))
    return folder


Layers = tuple[list[onnx.NodeProto], dict[str, np.ndarray]]


def _tab() -> Layers:
    """30-64-32-2."""
    return _dense("x", (30, 64, 32, 2))


def _cnn() -> Layers:
    """Two convolutions and two dense layers."""
    rng = np.random.default_rng(0)
    weights = {"k1": 0.2 * rng.standard_normal((16, 1, 3, 3)), "k2": 0.1 * rng.standard_normal((32, 16, 3, 3))}
    nodes, image = [], "x"
    for i in (1, 2):
        nodes += [
            h.make_node("Conv", [image, f"k{i}"], [f"c{i}"], pads=[1, 1, 1, 1]),
            h.make_node("Relu", [f"c{i}"], [f"r{i}"]),
            h.make_node("MaxPool", [f"r{i}"], [f"p{i}"], kernel_shape=[2, 2], strides=[2, 2]),
        ]
        image = f"p{i}"
    nodes.append(h.make_node("Flatten", [image], ["flat"]))
    dense, more = _dense("flat", (32 * 49, 80, 10))
    return [*nodes, *dense], {**weights, **more}


def _dense(taken: str, sizes: tuple[int, ...]) -> Layers:
    rng, nodes, weights, last = np.random.default_rng(1), [], {}, len(sizes) - 2
    for i, (wide, narrow) in enumerate(pairwise(sizes)):
        weights[f"w{i}"] = rng.standard_normal((wide, narrow)) / wide**0.5
        nodes.append(h.make_node("MatMul", [taken, f"w{i}"], [f"d{i}"]))
        taken = "probs" if i == last else f"a{i}"
        nodes.append(h.make_node("Softmax" if i == last else "Relu", [f"d{i}"], [taken]))
    return nodes, weights


def _model(layers: Layers, takes: list[str | int], gives: list[str | int]) -> onnx.ModelProto:
    nodes, weights = layers
    constants = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    x, probs = h.make_tensor_value_info("x", T.FLOAT, takes), h.make_tensor_value_info("probs", T.FLOAT, gives)
    graph = h.make_graph(nodes, "model", [x], [probs], constants)
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10)
