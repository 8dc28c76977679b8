"""From a network's outputs to ours, twice: as ONNX nodes, and in numpy for what the original answers."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.imports.answers import Answers
from aimass.imports.columns import COLUMN

Nodes = list[onnx.NodeProto]
NAMES, KEYS, FLAT, ONE = "ours/names", "ours/keys", "ours/flat", "ours/one"


def constants_of(answers: Answers) -> list[onnx.TensorProto]:
    """What the nodes of a head, and of the columns in front, look up."""
    names = [name.encode() for name in answers.classes]
    # bytes: that is how ONNX holds text
    texts = helper.make_tensor(NAMES, TensorProto.STRING, [len(names)], names)  # type: ignore[arg-type]
    arrays: dict[str, np.ndarray] = {
        KEYS: np.array([answers.keys], np.int64),
        FLAT: np.array([-1], np.int64),
        COLUMN: np.array([-1, 1], np.int64),
        ONE: np.array(1, np.float32),
    }
    return [texts, *(numpy_helper.from_array(array, name) for name, array in arrays.items())]


def nodes_for(answers: Answers, prefix: str) -> Nodes:
    """Nodes that make the outputs of ANSWERS from the network's, whose names begin with PREFIX."""
    nodes: Nodes = []
    for name, field in answers.taken.items():
        its = prefix + field.name
        if answers.is_plain(name):
            nodes.append(_node("Identity", [its], name))
        elif name == "value":
            nodes += [_cast(its, "ours/value", TensorProto.FLOAT), _node("Reshape", ["ours/value", FLAT], "value")]
        elif name in ("probabilities", "scores"):
            nodes += _probabilities(name, its, field)
    if answers.classes:
        label = answers.taken.get("label")
        nodes += _label(prefix, label, answers) if label else _likeliest()
    return nodes


def _probabilities(name: str, its: str, field: Field) -> Nodes:
    """PROBABILITIES [N, K] in float32 of one column or K, before or after softmax."""
    nodes = [_cast(its, "ours/numbers", TensorProto.FLOAT)]
    if field.shape not in ((), (1,)):
        of_scores = helper.make_node("Softmax", ["ours/numbers"], ["probabilities"], axis=1)
        return [*nodes, of_scores if name == "scores" else _node("Identity", ["ours/numbers"], "probabilities")]
    nodes.append(_node("Reshape", ["ours/numbers", COLUMN], "ours/column"))
    nodes.append(_node("Sigmoid" if name == "scores" else "Identity", ["ours/column"], "ours/second"))
    nodes.append(_node("Sub", [ONE, "ours/second"], "ours/first"))
    return [*nodes, helper.make_node("Concat", ["ours/first", "ours/second"], ["probabilities"], axis=1)]


def _label(prefix: str, label: Field, answers: Answers) -> Nodes:
    its = prefix + label.name
    if label.dtype == "string":
        return [_node("Reshape", [its, FLAT], "label")]
    nodes = [_cast(its, "ours/whole", TensorProto.INT64)]
    if answers.keys == tuple(range(len(answers.keys))):
        nodes.append(_node("Reshape", ["ours/whole", FLAT], "ours/index"))
    else:
        nodes += [
            _node("Reshape", ["ours/whole", COLUMN], "ours/whole column"),
            _node("Equal", ["ours/whole column", KEYS], "ours/equal"),
            _cast("ours/equal", "ours/which", TensorProto.FLOAT),
            helper.make_node("ArgMax", ["ours/which"], ["ours/index"], axis=1, keepdims=0),
        ]
    return [*nodes, _node("Gather", [NAMES, "ours/index"], "label")]


def _likeliest() -> Nodes:
    return [
        helper.make_node("ArgMax", ["probabilities"], ["ours/likeliest"], axis=1, keepdims=0),
        _node("Gather", [NAMES, "ours/likeliest"], "label"),
    ]


def _cast(before: str, after: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [before], [after], to=to)


def _node(kind: str, before: list[str], after: str) -> onnx.NodeProto:
    return helper.make_node(kind, before, [after])


# -- the same in numpy ----------------------------------------------------------------------------------------


def expected(answers: Answers, its: Tensors) -> dict[str, np.ndarray]:
    """What our outputs have to be, where the original gives ITS, by the network's names or by ours.

    Raises KeyError for an output that ITS lacks.
    """
    found: dict[str, np.ndarray] = {}
    names = np.array(answers.classes, dtype=object)
    for name, field in answers.taken.items():
        if answers.is_plain(name):
            found[name] = _given(its, field, name)
        elif name == "value":
            found["value"] = _given(its, field, "value").reshape(-1).astype(np.float64)
        elif name == "scores" and "probabilities" in its:  # the original makes them itself
            found["probabilities"] = _expected_probabilities("probabilities", np.asarray(its["probabilities"]))
        elif name in ("probabilities", "scores"):
            found["probabilities"] = _expected_probabilities(name, _given(its, field, name))
        else:
            found["label"] = _expected_label(_given(its, field, name).reshape(-1), answers, names)
    if answers.classes and "label" not in found:
        found["label"] = names[found["probabilities"].argmax(axis=1)]
    return found


def _given(its: Tensors, field: Field, name: str) -> np.ndarray:
    return np.asarray(its[field.name] if field.name in its else its[name])


def _expected_probabilities(name: str, values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float64)
    if values.ndim == 2 and values.shape[1] > 1:
        if name == "probabilities":
            return values
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    column = values.reshape(-1, 1)
    second = 1 / (1 + np.exp(-column)) if name == "scores" else column
    return np.concatenate([1 - second, second], axis=1)


def _expected_label(values: np.ndarray, answers: Answers, names: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "iub":
        return np.array([str(value) for value in values], dtype=object)
    where = {key: i for i, key in enumerate(answers.keys)}
    return np.array([names[where[int(v)]] if int(v) in where else str(v) for v in values], dtype=object)
