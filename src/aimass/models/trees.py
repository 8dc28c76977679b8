"""An XGBoost booster (its JSON) becomes an ONNX tree ensemble, to the bit of every threshold.

XGBoost goes left when value < threshold, both float32, and follows `default_left` when the value is missing: ONNX
says the same with BRANCH_LT and missing_value_tracks_true.  Scores are raw margins, the base score included.
Format: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html and its model schema.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.models.matrix import matrix_nodes, tensor_infos
from aimass.models.network import IR_VERSION, OPSET, OPSET_ML

LOGITS = ("binary:logistic", "reg:logistic")
LOGARITHMS = ("count:poisson", "reg:gamma", "reg:tweedie")
LEAF, LESS, NOT_EQUAL = "LEAF", "BRANCH_LT", "BRANCH_NEQ"


@dataclass(frozen=True)
class Source:
    """Where feature number i of the booster comes from: a column of the joined tensors, or one VALUE of it."""

    column: int
    value: int | None = None  # 1.0 where the column equals this, else 0.0


@dataclass
class Nodes:
    """The parallel lists that ONNX wants of all trees."""

    trees: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    yes: list[int] = field(default_factory=list)
    no: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    leaves: list[tuple[int, int, int, float]] = field(default_factory=list)  # tree, node, class, weight


def network_of(booster: bytes, signature: Signature, sources: list[Source]) -> onnx.ModelProto:
    """BOOSTER (JSON) as a network of SIGNATURE's tensors; SOURCES says what each of its features is."""
    learner = json.loads(booster)["learner"]
    width = signature.width
    nodes = Nodes()
    model = learner["gradient_booster"]["model"]
    for number, (tree, target) in enumerate(zip(model["trees"], model["tree_info"], strict=True)):
        _add(nodes, number, tree, target, sources)
    ensemble = helper.make_node(
        "TreeEnsembleRegressor", ["matrix"], ["scores"], domain="ai.onnx.ml",
        n_targets=width, base_values=base_margins(learner, width), **_attributes(nodes),
    )  # fmt: skip
    graph = helper.make_graph(
        [*matrix_nodes(signature.inputs, "matrix"), ensemble],
        "trees",
        tensor_infos(signature.inputs),
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", width])],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_ML)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def base_margins(learner: dict[str, Any], width: int) -> list[float]:
    """The score of no tree at all, one a class: XGBoost keeps it in the unit of its objective."""
    objective = learner["objective"]["name"]
    values = [float(word) for word in learner["learner_model_param"]["base_score"].strip("[]").split(",")]
    if objective in LOGITS:  # kept as a probability
        values = [math.log(p / (1 - p)) for p in values]
    elif objective in LOGARITHMS:  # kept as a mean
        values = [math.log(v) for v in values]
    elif objective.partition(":")[0] not in ("multi", "reg", "rank") and objective != "binary:logitraw":
        raise InputError(
            f"trees of the objective {objective} cannot be exported",
            expected="classes, a regression or a ranking",
        )
    return [float(np.float32(v)) for v in (values if len(values) == width else values * width)]


def _add(nodes: Nodes, number: int, tree: dict[str, Any], target: int, sources: list[Source]) -> None:
    """Append one tree, its nodes under the numbers that XGBoost gave them."""
    for node, (left, right) in enumerate(zip(tree["left_children"], tree["right_children"], strict=True)):
        threshold, missing = tree["split_conditions"][node], int(tree["default_left"][node])
        if left == -1:
            nodes.leaves.append((number, node, target, threshold))
            row: tuple[Any, ...] = (0, LEAF, 0.0, 0, 0, 0)
        else:
            source = sources[tree["split_indices"][node]]
            row = (source.column, *_test(source, threshold), left, right, missing)
        nodes.trees.append(number)
        nodes.ids.append(node)
        columns: tuple[list[Any], ...] = (nodes.features, nodes.modes, nodes.values, nodes.yes, nodes.no, nodes.missing)
        for column, value in zip(columns, row, strict=True):
            column.append(value)


def _test(source: Source, threshold: float) -> tuple[str, float]:
    """What is asked of the column.  "Is the value k?" is 0 or 1, and any useful threshold lies between."""
    if source.value is None:
        return LESS, threshold
    return NOT_EQUAL, float(source.value)


def _attributes(nodes: Nodes) -> dict[str, Any]:
    trees, ids, targets, weights = zip(*nodes.leaves, strict=True)
    return {
        "nodes_treeids": nodes.trees,
        "nodes_nodeids": nodes.ids,
        "nodes_featureids": nodes.features,
        "nodes_modes": nodes.modes,
        "nodes_values": nodes.values,
        "nodes_truenodeids": nodes.yes,
        "nodes_falsenodeids": nodes.no,
        "nodes_missing_value_tracks_true": nodes.missing,
        "target_treeids": trees,
        "target_nodeids": ids,
        "target_ids": targets,
        "target_weights": weights,
    }
