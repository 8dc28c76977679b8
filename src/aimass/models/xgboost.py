"""Boosted trees (Chen and Guestrin 2016, arXiv 1603.02754): numbers and categories as features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.core.part import knob
from aimass.core.signature import Field, Signature
from aimass.models.base import Architecture
from aimass.models.inputs import kind_of, require
from aimass.models.matrix import matrix
from aimass.models.trees import Source

OBJECTIVES = {
    "binary": ("binary:logistic", "logloss"),
    "multiclass": ("multi:softprob", "mlogloss"),
    "regression": ("reg:squarederror", "rmse"),
}


@dataclass(frozen=True)
class Boosted:
    """What an unfitted booster is: parameters of xgboost.train, and what each feature is made of."""

    parameters: dict[str, Any]
    inputs: tuple[Field, ...]
    sources: list[Source]

    def features(self, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
        """Float32 [N, len(sources)] of TENSORS by name."""
        joined = matrix(tensors, self.inputs)
        if all(source.value is None for source in self.sources):
            return joined
        made = np.empty((len(joined), len(self.sources)), np.float32)
        for i, source in enumerate(self.sources):
            column = joined[:, source.column]
            made[:, i] = column if source.value is None else column == source.value
        return made


class XGBoost(Architecture):
    """Boosted trees over numbers and categories; a category of few values is asked about value by value."""

    recipe = "boosting"

    depth: int = knob(7, 1, 16, help="questions from the root of a tree to a leaf")
    learning_rate: float = knob(0.05, 0.001, 1.0, log=True, help="share of each tree's answer that is added")
    subsample: float = knob(0.8, 0.1, 1.0, help="share of the rows a tree sees")
    columns: float = knob(0.5, 0.1, 1.0, help="share of the columns a tree sees")
    leaf_weight: float = knob(10.0, 0.0, 1000.0, help="least sum of second derivatives in a leaf")
    l2: float = knob(1.0, 0.0, 1000.0, help="shrinks the answers of leaves with few rows")
    bins: int = knob(256, 8, 1024, log=True, help="distinct thresholds tried for a column")
    one_by_one: int = knob(8, 0, 256, help="categories of at most this many values are split value by value")

    def build(self, signature: Signature) -> Boosted:
        """Parameters and features of a booster.  Raises InputError for texts and images."""
        require("xgboost", signature, takes=("numbers", "categories"))
        objective, metric = OBJECTIVES[signature.task]
        classes = {"num_class": signature.width} if signature.task == "multiclass" else {}
        parameters = {
            "objective": objective,
            "eval_metric": metric,
            **classes,
            "tree_method": "hist",
            "max_depth": self.depth,
            "eta": self.learning_rate,
            "subsample": self.subsample,
            "colsample_bytree": self.columns,
            "min_child_weight": self.leaf_weight,
            "lambda": self.l2,
            "max_bin": self.bins,
        }
        return Boosted(parameters, signature.inputs, self._sources(signature))

    def _sources(self, signature: Signature) -> list[Source]:
        found: list[Source] = []
        first = 0  # column of the joined tensors
        for field in signature.inputs:
            for i in range(field.shape[0]):
                size = field.sizes[i] if kind_of(field) == "categories" else 0
                single = 2 < size <= self.one_by_one
                found += [Source(first + i, v) for v in range(size)] if single else [Source(first + i)]
            first += field.shape[0]
        return found
