"""XGBoost's own files (JSON, UBJSON), by the converter of our own trees (docs/decisions/0002-own-tree-converter.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import xgboost as xgb
from onnx import TensorProto, helper

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature, Task
from aimass.engines.base import Tensors
from aimass.imports.base import Importer, Original
from aimass.imports.drawing import around
from aimass.models.trees import Source, network_of

X = "x"
LINKS = {  # objectives whose answer is not the sum of leaves: the operator that makes it
    "reg:logistic": "Sigmoid",
    "count:poisson": "Exp",
    "reg:gamma": "Exp",
    "reg:tweedie": "Exp",
}
SUMS = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror", "binary:logitraw",
        "rank:pairwise", "rank:ndcg", "rank:map")  # fmt: skip
CLASSES = {"binary:logistic": "binary", "multi:softprob": "multiclass", "multi:softmax": "multiclass"}


class XGBoost(Importer):
    """Boosted trees that XGBoost saved as JSON or UBJSON, with all rounds that are in the file."""

    def read(self, model: Any, rows: Any = None) -> Original:
        """MODEL: a Path.  Raises InputError for linear boosters, categorical splits and vector leaves."""
        booster = _loaded(model)
        learner = json.loads(bytes(booster.save_raw("json")))["learner"]
        objective = str(learner["objective"]["name"])
        _check(learner, objective)
        task, width = CLASSES.get(objective, "regression"), booster.num_features()
        count = max(2, int(learner["learner_model_param"]["num_class"]))
        classes = tuple(str(i) for i in range(count)) if task != "regression" else ()
        network = _network(booster, objective, _signature(task, width, classes))
        if objective == "multi:softmax":
            booster.set_param({"objective": "multi:softprob"})  # else it tells the class alone

        def answer(tensors: Tensors) -> Tensors:
            found = booster.predict(xgb.DMatrix(np.asarray(tensors[X], np.float32), nthread=1), validate_features=False)
            return {"probabilities" if classes else "value": np.asarray(found)}

        return Original(
            network, answer, f"XGBoost {xgb.__version__}", task=task, classes=classes,
            columns=tuple(booster.feature_names or ()),
            answers={"scores": "scores"} if classes else {"value": network.graph.output[0].name},
            draw=lambda count, random: {X: around(_thresholds(learner, width), count, random, np.float32)},
        )  # fmt: skip


def _loaded(path: Path) -> xgb.Booster:
    try:
        return xgb.Booster({"nthread": 1}, model_file=str(path))
    except (xgb.core.XGBoostError, ValueError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise InputError(f"XGBoost cannot read {path.name}: {lines[0][:200] if lines else 'no reason given'}",
                         expected="what save_model writes as .json or .ubj", key="path",
                         todo="save it again: booster.save_model('model.json')") from error  # fmt: skip


def _check(learner: dict[str, Any], objective: str) -> None:
    booster = learner["gradient_booster"]
    known = (*CLASSES, *LINKS, *SUMS)
    trees = booster.get("model", {}).get("trees", [])
    wrong = ""
    if booster["name"] != "gbtree":
        wrong = f"the booster {booster['name']}"
    elif objective not in known:
        wrong = f"the objective {objective}"
    elif not trees:
        wrong = "a model without trees"
    elif any(any(tree.get("split_type", ())) for tree in trees):
        wrong = "categorical splits"
    elif any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in trees):
        wrong = "leaves of several values"
    if wrong:
        raise InputError(f"{wrong} cannot be imported", expected=f"gbtree, one of {', '.join(known)}, trees that "
                         "compare numbers", key="path",
                         todo="convert it with onnxmltools and import the ONNX file")  # fmt: skip


def _signature(task: str, width: int, classes: tuple[str, ...]) -> Signature:
    inputs = (Field(X, "float32", (width,)),)
    return Signature(cast(Task, task), "", inputs, inputs, (Field("label", "string", values=classes),))


def _network(booster: xgb.Booster, objective: str, signature: Signature) -> onnx.ModelProto:
    sources = [Source(i) for i in range(signature.inputs[0].shape[0])]
    network = network_of(bytes(booster.save_raw("json")), signature, sources)
    if objective in LINKS:
        graph = network.graph
        graph.node.append(helper.make_node(LINKS[objective], ["scores"], ["linked"]))
        graph.output[0].CopyFrom(helper.make_tensor_value_info("linked", TensorProto.FLOAT, ["N", 1]))
    return network


def _thresholds(learner: dict[str, Any], width: int) -> list[list[float]]:
    """What each feature is compared with."""
    found: list[list[float]] = [[] for _ in range(width)]
    for tree in learner["gradient_booster"]["model"]["trees"]:
        places = zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True)
        for left, feature, threshold in places:
            if left != -1:
                found[feature].append(threshold)
    return found
