"""A LightGBM text model becomes an ONNX tree ensemble over 64-bit rows.

LightGBM goes left when value <= threshold, both float64.  What NaN does depends on the feature: with missing type NaN
it takes the split's default side, with none it counts as 0.  A category goes left when its number is in a bit set;
ONNX asks for one number after the other, all with the same left side.
Format: https://github.com/microsoft/LightGBM/blob/master/src/io/tree.cpp (Tree::ToString, NumericalDecision).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aimass.core.errors import InputError
from aimass.models.network import IR_VERSION, OPSET, OPSET_ML

X = "x"
SUMS = ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "custom")
LINKS = {"poisson": "Exp", "gamma": "Exp", "tweedie": "Exp", "cross_entropy": "Sigmoid", "xentropy": "Sigmoid"}
CATEGORICAL, DEFAULT_LEFT = 1, 2  # bits of decision_type; two more say what is missing
NONE, ZERO, NAN = 0, 1, 2
TINY = float(np.float32(1e-35))  # what is no further from 0 counts as 0


@dataclass(frozen=True)
class Split:
    """Inner node: FEATURE <= THRESHOLD, or FEATURE one of CATEGORIES; ~n as a side is leaf n."""

    feature: int
    threshold: float
    missing_left: bool
    left: int
    right: int
    categories: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Ensemble:
    """All trees, in rounds of CLASSES (1 where there are none); OBJECTIVE is its first word, SIGMOID its slope."""

    objective: str
    sigmoid: float
    features: int
    classes: int
    averaged: bool
    trees: list[tuple[list[Split], list[float]]]

    def thresholds(self) -> list[list[float]]:
        """What each feature is compared with."""
        found: list[list[float]] = [[] for _ in range(self.features)]
        for split in self._splits():
            if split.categories is None:
                found[split.feature].append(split.threshold)
        return found

    def categories(self) -> dict[int, list[int]]:
        """The categories that are asked for, by feature."""
        found: dict[int, set[int]] = {}
        for split in self._splits():
            if split.categories:
                found.setdefault(split.feature, set()).update(split.categories)
        return {feature: sorted(values) for feature, values in found.items()}

    def _splits(self) -> list[Split]:
        return [split for splits, _ in self.trees for split in splits]


def parsed(text: str) -> Ensemble:
    """The trees in TEXT.  Raises InputError for what ONNX cannot say."""
    head, *rest = text.split("\nTree=")
    facts = _facts(head)
    words = facts.get("objective", "custom").split()
    options = dict(word.split(":", 1) for word in words[1:] if ":" in word)
    known = ("binary", "multiclass", *SUMS, *LINKS)
    if words[0] not in known or "sqrt" in words[1:]:
        raise _refused(f"the objective {' '.join(words)}", f"one of {', '.join(known)}")
    trees = [_tree(_facts(part.split("\nend of trees")[0])) for part in rest]
    if not trees:
        raise _refused("a model without trees", "at least one")
    return Ensemble(words[0], float(options.get("sigmoid", 1.0)), int(facts["max_feature_idx"]) + 1,
                    int(facts["num_tree_per_iteration"]), "average_output" in head.splitlines(), trees)  # fmt: skip


def _facts(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _tree(facts: dict[str, str]) -> tuple[list[Split], list[float]]:
    if facts.get("is_linear", "0") != "0":
        raise _refused("linear trees", "leaves of one value")
    leaves = [float(word) for word in facts["leaf_value"].split()]
    if int(facts["num_leaves"]) == 1:
        return [], leaves
    names = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
    columns = [facts[name].split() for name in names]
    sets = _sets(facts)
    splits = [_split(int(f), t, int(d), int(le), int(r), sets) for f, t, d, le, r in zip(*columns, strict=True)]
    return splits, leaves


def _sets(facts: dict[str, str]) -> list[tuple[int, ...]]:
    """The categories of each bit set of a tree: 32 of them a number."""
    bounds = [int(word) for word in facts.get("cat_boundaries", "0").split()]
    numbers = [int(word) for word in facts.get("cat_threshold", "").split()]
    return [
        tuple(32 * i + bit for i, number in enumerate(numbers[low:high]) for bit in range(32) if number >> bit & 1)
        for low, high in pairwise(bounds)
    ]


def _split(feature: int, threshold: str, decision: int, left: int, right: int, sets: list[tuple[int, ...]]) -> Split:
    if decision & CATEGORICAL:
        return Split(feature, 0.0, False, left, right, sets[int(float(threshold))])
    missing = decision >> 2 & 3
    if missing == ZERO:
        raise _refused("zeros as missing values", "zero_as_missing=false")
    value = _beside_zero(float(threshold))
    to_left = bool(decision & DEFAULT_LEFT) if missing == NAN else value >= 0
    return Split(feature, value, to_left, left, right)


def _beside_zero(threshold: float) -> float:
    """A THRESHOLD between tiny values, all of which go where 0 goes."""
    if -TINY <= threshold < 0:
        return float(np.nextafter(-TINY, -np.inf))
    return TINY if 0 <= threshold < TINY else threshold


def _refused(what: str, expected: str) -> InputError:
    return InputError(f"LightGBM: {what} cannot be imported", expected=expected, key="path",
                      todo="convert it with onnxmltools and import the ONNX file")  # fmt: skip


# -- to ONNX --------------------------------------------------------------------------------------------------


@dataclass
class Lists:
    """The parallel lists that ONNX wants of all trees."""

    nodes: dict[str, list[Any]] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)
    targets: dict[str, list[int]] = field(default_factory=dict)
    weights: list[float] = field(default_factory=list)

    def add(self, **row: Any) -> None:
        self.values.append(row.pop("value", 0.0))
        for name, value in row.items():
            self.nodes.setdefault(name, []).append(value)

    def leaf(self, tree: int, node: int, target: int, weight: float) -> None:
        self.add(treeids=tree, nodeids=node, featureids=0, modes="LEAF", truenodeids=0, falsenodeids=0,
                 missing_value_tracks_true=0)  # fmt: skip
        for name, value in (("treeids", tree), ("nodeids", node), ("ids", target)):
            self.targets.setdefault(name, []).append(value)
        self.weights.append(weight)


def network_of(ensemble: Ensemble) -> onnx.ModelProto:
    """ENSEMBLE as a network: x [N, F] in float64 -> scores [N, K], or the value [N, 1] after its link."""
    lists, width = Lists(), ensemble.classes
    rounds = len(ensemble.trees) // width
    for number, (splits, leaves) in enumerate(ensemble.trees):
        _add(lists, number, splits, leaves, number % width, 1 / rounds if ensemble.averaged else 1.0)
    told: dict[str, Any] = {f"nodes_{name}": values for name, values in lists.nodes.items()}
    told |= {f"target_{name}": values for name, values in lists.targets.items()}
    told["nodes_values_as_tensor"] = numpy_helper.from_array(np.array(lists.values, np.float64))
    told["target_weights_as_tensor"] = numpy_helper.from_array(np.array(lists.weights, np.float64))
    trees = helper.make_node("TreeEnsembleRegressor", [X], ["sums"], domain="ai.onnx.ml", n_targets=width, **told)
    slope = numpy_helper.from_array(np.array(ensemble.sigmoid, np.float32), "slope")
    link = LINKS.get(ensemble.objective, "Identity")
    graph = helper.make_graph(
        [trees, helper.make_node("Mul", ["sums", "slope"], ["sloped"]), helper.make_node(link, ["sloped"], ["scores"])],
        "trees",
        [helper.make_tensor_value_info(X, TensorProto.DOUBLE, ["N", ensemble.features])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", width])],
        [slope],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_ML)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _add(lists: Lists, tree: int, splits: Sequence[Split], leaves: list[float], target: int, share: float) -> None:
    """One tree: inner nodes keep their numbers, leaves and the rest of each category test come behind."""
    spare = len(splits) + len(leaves)

    def number(side: int) -> int:
        return side if side >= 0 else len(splits) + ~side

    for node, split in enumerate(splits):
        left, right = number(split.left), number(split.right)
        same = {"treeids": tree, "featureids": split.feature}
        if split.categories is None:
            lists.add(**same, nodeids=node, modes="BRANCH_LEQ", value=split.threshold, truenodeids=left,
                      falsenodeids=right, missing_value_tracks_true=int(split.missing_left))  # fmt: skip
            continue
        places = [node, *range(spare, spare + len(split.categories) - 1)]
        spare += len(split.categories) - 1
        for place, after, category in zip(places, [*places[1:], right], split.categories, strict=True):
            lists.add(**same, nodeids=place, modes="BRANCH_EQ", value=float(category), truenodeids=left,
                      falsenodeids=after, missing_value_tracks_true=0)  # fmt: skip
    for i, leaf in enumerate(leaves):
        lists.leaf(tree, len(splits) + i, target, share * leaf)
