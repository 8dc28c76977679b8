"""Fitted scikit-learn estimators and pipelines, as objects; skl2onnx converts them.

Their files are pickles, so none is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import sklearn
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

from aimass.core.errors import InputError
from aimass.engines.base import Tensors
from aimass.imports.base import Importer, Original
from aimass.imports.columns import apart
from aimass.imports.programs import objects_only
from aimass.models.network import OPSET, OPSET_ML

X = "x"


class Sklearn(Importer):
    """A fitted classifier or regressor, or a pipeline that ends in one."""

    def read(self, model: Any, rows: Any = None) -> Original:
        """MODEL: an estimator; ROWS: a table with its columns, or a matrix.

        Raises InputError for a file, an estimator that is not fitted, or a step that skl2onnx cannot convert.
        """
        if isinstance(model, Path):
            raise objects_only("scikit-learn")
        if rows is None:
            raise InputError("an estimator is imported with some rows", expected="rows = a table or a matrix",
                             todo="give some that it was fitted or tested on", key="rows")  # fmt: skip
        named = hasattr(rows, "columns")
        tensors = _columns(rows) if named else {X: _matrix(rows)}
        classifies = hasattr(model, "classes_")
        network = _converted(model, tensors, classifies)
        network = apart(network) if named else network
        right = _asked(model, rows, classifies)
        classes = tuple(_name(c) for c in model.classes_) if classifies else ()
        outputs = [value.name for value in network.graph.output]
        ours = ("value",) if not classifies else ("label", "probabilities")[: 1 + hasattr(model, "predict_proba")]
        answers = dict(zip(ours, outputs, strict=False))
        task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
        return Original(network, lambda _: right, f"scikit-learn {sklearn.__version__}", task=task, classes=classes,
                        answers=answers, rows=tensors)  # fmt: skip


def _name(value: Any) -> str:
    """A class as our labels write it."""
    return str(value).lower() if isinstance(value, (bool, np.bool_)) else str(value)


def _columns(table: Any) -> dict[str, np.ndarray]:
    """TABLE (pandas, or what reads like it) column by column [N]: numbers in float64, else texts."""
    columns = {str(name): np.asarray(table[name]) for name in table.columns}
    return {name: v.astype(np.float64) if v.dtype.kind in "biuf" else _texts(v) for name, v in columns.items()}


def _texts(values: np.ndarray) -> np.ndarray:
    if any(not isinstance(value, str) for value in values):
        strange = next(value for value in values if not isinstance(value, str))
        raise InputError(f"a column of texts holds {strange!r}", expected="texts in every row", key="rows",
                         todo="fill missing texts before the pipeline, in the rows too")  # fmt: skip
    return values.astype(object)


def _matrix(rows: Any) -> np.ndarray:
    matrix = np.asarray(rows)
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise InputError(f"the rows are {matrix.dtype} {list(matrix.shape)}", expected="a matrix of numbers [N, F], or "
                         "a table", key="rows")  # fmt: skip
    return matrix


def _converted(model: Any, tensors: Tensors, classifies: bool) -> onnx.ModelProto:
    kinds = [
        (name, (StringTensorType if array.dtype == object else FloatTensorType)([None, *(array.shape[1:] or (1,))]))
        for name, array in tensors.items()
    ]
    options = {id(model): {"zipmap": False}} if classifies and hasattr(model, "predict_proba") else None
    try:
        network: onnx.ModelProto = to_onnx(
            model, initial_types=kinds, options=options, target_opset={"": OPSET, "ai.onnx.ml": OPSET_ML}
        )
        return network
    # skl2onnx tells of what it cannot convert in several ways; its own classes are RuntimeErrors.
    except (RuntimeError, NotImplementedError, ValueError, NameError, AttributeError, KeyError) as error:
        why = str(error).strip().splitlines()[0][:200]
        raise InputError(f"{type(model).__name__} cannot be converted to ONNX: {why}", expected="fitted steps that "
                         "skl2onnx converts", key="path", todo="replace the step that is named; a function of your own "
                         "(FunctionTransformer) belongs into `clean`") from error  # fmt: skip


def _asked(model: Any, rows: Any, classifies: bool) -> dict[str, np.ndarray]:
    """The answers of MODEL to ROWS, under our names."""
    if not classifies:
        return {"value": np.asarray(model.predict(rows), np.float64).reshape(len(rows), -1)}
    found = {"label": np.array([_name(value) for value in model.predict(rows)], dtype=object)}
    if hasattr(model, "predict_proba"):
        found["probabilities"] = np.asarray(model.predict_proba(rows))
    return found
