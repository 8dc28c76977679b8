"""model.onnx: the graph of `prepare`, a network and a head in one file.  Raw columns in, answers out.

Raw columns and answers keep their names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.models.merge import chain
from aimass.models.network import IR_VERSION, OPSET


def assemble(folder: Path) -> None:
    """Write FOLDER/model.onnx from its graph.onnx, network.onnx, signature.json and head.json.

    Raises InputError when a file is missing or the network asks for a tensor that the graph does not give.
    """
    signature = Signature.from_json(_json(folder, "signature.json"))
    graph, network = _load(folder, "graph.onnx"), _load(folder, "network.onnx")
    head = head_of(signature, _json(folder, "head.json"))
    _check_names(graph, head)
    onnx.save(chain([graph, network, head]), folder / "model.onnx")


def head_of(signature: Signature, facts: dict[str, Any]) -> onnx.ModelProto:
    """scores [N, W] -> label [N] (text) and probabilities [N, K], or value [N]: FACTS is head.json."""
    outputs = {field.name: field for field in signature.outputs}
    if signature.task == "regression":
        nodes, constants = _value(float(facts["mean"]), float(facts["std"]))
        answers = [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["N"])]
    else:
        nodes, constants = _probabilities(signature.task == "binary", list(signature.classes))
        answers = [
            helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(signature.classes)]),
        ]
    answers = [answer for answer in answers if answer.name in outputs]
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", signature.width])
    made = helper.make_graph(nodes, "head", [scores], answers, constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _value(mean: float, std: float) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    constants = {"std": np.float32(std), "mean": np.float32(mean), "axis": np.array([1], np.int64)}
    nodes = [
        helper.make_node("Squeeze", ["scores", "axis"], ["standard"]),
        helper.make_node("Mul", ["standard", "std"], ["spread"]),
        helper.make_node("Add", ["spread", "mean"], ["value"]),
    ]
    return nodes, [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]


def _probabilities(binary: bool, classes: list[str]) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    names = helper.make_tensor("names", TensorProto.STRING, [len(classes)], [c.encode() for c in classes])  # type: ignore[misc]  # bytes: that is how ONNX holds text
    constants = [names]
    if binary:
        constants.append(numpy_helper.from_array(np.array(1, np.float32), "one"))
        nodes = [
            helper.make_node("Sigmoid", ["scores"], ["second"]),
            helper.make_node("Sub", ["one", "second"], ["first"]),
            helper.make_node("Concat", ["first", "second"], ["probabilities"], axis=1),
        ]
    else:
        nodes = [helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1)]
    nodes += [
        helper.make_node("ArgMax", ["probabilities"], ["index"], axis=1, keepdims=0),
        helper.make_node("Gather", ["names", "index"], ["label"]),
    ]
    return nodes, constants


def _check_names(graph: onnx.ModelProto, head: onnx.ModelProto) -> None:
    both = {i.name for i in graph.graph.input} & {o.name for o in head.graph.output}
    if both:
        raise InputError(
            f"the raw column {', '.join(sorted(both))} has the name of an answer",
            expected="raw columns called anything but label, probabilities and value",
            todo="rename the column in a `sql` transform of [clean]",
        )


def _load(folder: Path, name: str) -> onnx.ModelProto:
    return onnx.load(_existing(folder, name))


def _json(folder: Path, name: str) -> Any:
    return json.loads(_existing(folder, name).read_text(encoding="utf-8"))


def _existing(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise InputError(
            f"{folder.name} has no {name}, so no model can be assembled of it",
            expected="graph.onnx, network.onnx, signature.json and head.json",
            todo="make the examples and the model again",
        )
    return folder / name
