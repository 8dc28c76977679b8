"""One call of `fit`, for scikit-learn-style estimators; what is kept is ONNX (skl2onnx), never a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx

from aimass.core.artifact import Examples, Model
from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.core.step import Context
from aimass.models.base import Architecture
from aimass.models.matrix import matrix, matrix_nodes, matrix_width, tensor_infos
from aimass.models.merge import chain
from aimass.models.network import IR_VERSION, OPSET, OPSET_ML, bare, check_parity
from aimass.train.base import Recipe
from aimass.train.data import check, open_split
from aimass.train.order import stream

SHOWN = 256
LEAST = 1e-7  # probabilities below have no logarithm that float32 could hold apart


class Estimator(Recipe):
    """Fits an estimator on all training rows at once; it has no checkpoints, and validation rows are not used."""

    fits: ClassVar[str] = "estimator"

    def fit(
        self, ctx: Context, architecture: Architecture, examples: Examples, out: Path, start: Model | None = None
    ) -> dict[str, Any]:
        """Writes OUT/network.onnx; there is no other form of the weights.  Raises InputError without a converter."""
        signature = examples.signature
        train = open_split(examples, "train")
        check(train, signature)
        estimator = architecture.build(signature)
        _seed(estimator, stream("estimator", ctx.seed) % 2**31)
        _fit(estimator, matrix(train.named(), signature.inputs), np.array(train.target))
        ctx.report(1)
        onnx.save(network_of(estimator, signature), out / "network.onnx")
        check_parity(
            out / "network.onnx", lambda rows: scores_of(estimator, rows, signature), train.named(slice(0, SHOWN))
        )
        return {"rows": len(train), "stopped": "all rows fitted"}


def _fit(estimator: Any, rows: np.ndarray, target: np.ndarray) -> None:
    """Raises InputError with the estimator's own words for rows it refuses (scikit-learn: a ValueError)."""
    try:
        estimator.fit(rows, target)
    except ValueError as error:
        raise InputError(
            f"{type(estimator).__name__} refuses the rows: {str(error).strip().splitlines()[0][:200]}",
            expected="rows and settings that it can be fitted with",
            todo="look at the columns in examples.json and at the model's `arguments`",
            key="model",
        ) from error


def scores_of(estimator: Any, tensors: Mapping[str, np.ndarray], signature: Signature) -> np.ndarray:
    """Scores [N, W] of a fitted estimator: the logarithm of its odds or probabilities, or its value."""
    rows = matrix(tensors, signature.inputs)
    if signature.task == "regression":
        return np.asarray(estimator.predict(rows), np.float32).reshape(-1, 1)
    known = np.full((len(rows), len(signature.classes)), LEAST, np.float32)
    known[:, np.asarray(estimator.classes_, int)] = estimator.predict_proba(rows)
    log = np.log(np.clip(known, LEAST, 1))
    return log[:, 1:] - log[:, :1] if signature.task == "binary" else log


def network_of(estimator: Any, signature: Signature) -> onnx.ModelProto:
    """A fitted ESTIMATOR as a network: tensors -> matrix -> its own operators -> scores."""
    core = _converted(estimator, signature)
    answer = core.graph.output[0 if signature.task == "regression" else 1]
    columns = [] if signature.task == "regression" else [int(c) for c in estimator.classes_]
    parts = [_front(core.graph.input[0].name, signature), core, _tail(answer, signature, columns)]
    return bare(chain(parts))


def _converted(estimator: Any, signature: Signature) -> onnx.ModelProto:
    options = None if signature.task == "regression" else {id(estimator): {"zipmap": False}}
    sample = np.zeros((1, matrix_width(signature.inputs)), np.float32)
    try:
        made: onnx.ModelProto = to_onnx(
            estimator, sample, options=options, target_opset={"": OPSET, "ai.onnx.ml": OPSET_ML}
        )
    # skl2onnx tells of what it cannot convert in several ways; its own two classes are RuntimeErrors.
    except (RuntimeError, NotImplementedError, ValueError) as error:
        raise InputError(
            f"{type(estimator).__name__} cannot be exported to ONNX: {str(error).strip().splitlines()[0][:200]}",
            expected="an estimator that skl2onnx converts",
            todo="use an estimator from the list of skl2onnx, or a torch module; pickles are not kept",
            key="model",
        ) from error
    versions = {opset.domain: opset.version for opset in made.opset_import}  # skl2onnx lists some twice
    del made.opset_import[:]
    made.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in sorted(versions.items()))
    made.ir_version = IR_VERSION
    return made


def _front(name: str, signature: Signature) -> onnx.ModelProto:
    """tensors -> NAME, the matrix that the estimator takes."""
    matrix_info = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", matrix_width(signature.inputs)])
    nodes = matrix_nodes(signature.inputs, name)
    return _model(helper.make_graph(nodes, "front", tensor_infos(signature.inputs), [matrix_info]))


def _tail(answer: onnx.ValueInfoProto, signature: Signature, columns: list[int]) -> onnx.ModelProto:
    """The estimator's ANSWER -> scores.  COLUMNS: the class of each probability; classes it never saw get LEAST."""
    width, count = signature.width, len(signature.classes)
    if signature.task == "regression":
        nodes = [helper.make_node("Reshape", [answer.name, "shape"], ["scores"])]
        constants = {"shape": np.array([-1, 1], np.int64)}
    else:
        places = [columns.index(k) if k in columns else len(columns) for k in range(count)]
        constants = {
            "pads": np.array([0, 0, 0, 1], np.int64),
            "least": np.array(LEAST, np.float32),
            "most": np.array(1, np.float32),
            "places": np.array(places, np.int64),
            "first": np.array([0], np.int64),
            "second": np.array([1], np.int64),
        }
        nodes = [
            helper.make_node("Pad", [answer.name, "pads", "least"], ["padded"]),
            helper.make_node("Gather", ["padded", "places"], ["known"], axis=1),
            helper.make_node("Clip", ["known", "least", "most"], ["clipped"]),
            helper.make_node("Log", ["clipped"], ["scores" if signature.task == "multiclass" else "log"]),
        ]
        if signature.task == "binary":
            nodes += [
                helper.make_node("Gather", ["log", "first"], ["log_no"], axis=1),
                helper.make_node("Gather", ["log", "second"], ["log_yes"], axis=1),
                helper.make_node("Sub", ["log_yes", "log_no"], ["scores"]),
            ]
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", width])
    return _model(helper.make_graph(nodes, "tail", [answer], [scores], held))


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _seed(estimator: Any, seed: int) -> None:
    """Give chance a seed where the user has not."""
    parameters = estimator.get_params() if hasattr(estimator, "get_params") else {}
    unset = {name: seed for name, value in parameters.items() if name.endswith("random_state") and value is None}
    if unset:
        estimator.set_params(**unset)
