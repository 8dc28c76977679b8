"""ONNX files, from whatever wrote them: PyTorch, TensorFlow by tf2onnx, Keras, scikit-learn by skl2onnx, and others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from aimass.core.errors import InputError
from aimass.engines.base import Predictor, Tensors
from aimass.engines.onnxruntime import ERRORS, QUIET, predictor
from aimass.imports.answers import without_zipmap
from aimass.imports.base import Importer, Original
from aimass.imports.batch import fixed_rows
from aimass.imports.file import checked, network_in, parsed


class Onnx(Importer):
    """Any ONNX model of tensors whose first dimension is the rows; a fixed number of rows is made free."""

    def read(self, model: Any, rows: Any = None) -> Original:
        """MODEL: a Path, the bytes of a file, or an onnx.ModelProto.

        Its own answers are what ONNX Runtime computes from the file as it came, nothing optimised.
        """
        if isinstance(model, Path):
            network = network_in(model)
        else:
            network = parsed(model if isinstance(model, bytes) else model.SerializeToString(), "the model")
            network = checked(network, "the model")
        producer = f"{network.producer_name} {network.producer_version}".strip()
        network, classes, answers = without_zipmap(network)
        task = ("binary" if len(classes) == 2 else "multiclass") if classes else ""
        return Original(network, asked_as_it_came(network), f"ONNX ({producer})" if producer else "ONNX",
                        task=task, classes=classes, answers=answers)  # fmt: skip


def asked_as_it_came(network: onnx.ModelProto) -> Predictor:
    """NETWORK without any optimisation, in calls of as many rows as it insists on."""
    predict = predictor(_session(network))
    fixed = fixed_rows(network)
    if not fixed:
        return predict

    def in_calls(tensors: Tensors) -> Tensors:
        count = len(next(iter(tensors.values())))
        where = [np.minimum(np.arange(at, at + fixed), count - 1) for at in range(0, count, fixed)]
        found = [predict({name: array[rows] for name, array in tensors.items()}) for rows in where]
        return {name: np.concatenate([part[name] for part in found])[:count] for name in found[0]}

    return in_calls


def _session(network: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    try:
        return ort.InferenceSession(network.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except ERRORS as error:
        raise InputError(f"ONNX Runtime cannot load the model: {str(error).strip().splitlines()[0][:300]}",
                         expected=f"operators and versions that ONNX Runtime {ort.__version__} knows", key="path",
                         todo="export it again with opset 20 or lower, for plain ONNX Runtime") from error  # fmt: skip
