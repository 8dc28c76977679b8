"""What every writer of network.onnx needs: a file with nothing in it that is not computed with, and a parity gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from aimass.core.errors import InputError

OPSET = 20  # of the default domain
OPSET_ML = 3  # of ai.onnx.ml
IR_VERSION = 10
TOLERANCE = 1e-4  # of scores, relative to the largest where that is above 1


def bare(proto: onnx.ModelProto) -> onnx.ModelProto:
    """PROTO without what is told but not computed: stack traces (with paths), doc strings, inferred shapes.

    In place.  Same network, same bytes, wherever it was made.
    """
    proto.doc_string = proto.producer_name = proto.producer_version = proto.domain = ""
    proto.model_version = 0
    del proto.metadata_props[:]
    del proto.graph.value_info[:]
    graph = proto.graph
    graph.doc_string = ""
    del graph.metadata_props[:]
    for each in [*graph.node, *graph.initializer, *graph.input, *graph.output]:
        each.doc_string = ""
        del each.metadata_props[:]
    return proto


def rename_inputs(proto: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Give the inputs of PROTO other NAMES (old -> new), and name the rows N.  In place."""
    for value in proto.graph.input:
        value.name = names.get(value.name, value.name)
    for node in proto.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = names.get(name, name)
    for value in [*proto.graph.input, *proto.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "N"


def run(network: Path, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    """Scores [N, W] of the ONNX file NETWORK for TENSORS by name."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
    scores: np.ndarray = session.run(["scores"], {i.name: tensors[i.name] for i in session.get_inputs()})[0]
    return scores


def check_parity(
    network: Path,
    reference: Callable[[Mapping[str, np.ndarray]], np.ndarray],
    tensors: Mapping[str, np.ndarray],
    *,
    tolerance: float = TOLERANCE,
) -> None:
    """The gate every exported network passes: the same scores as REFERENCE, for one row and for several.

    TENSORS holds a few real rows.  Raises InputError with the difference when they disagree.
    """
    rows = len(next(iter(tensors.values())))
    for count in sorted({1, min(7, rows), rows}):
        part = {name: tensor[:count] for name, tensor in tensors.items()}
        expected, got = reference(part), _answer(network, part)
        allowed = tolerance * max(1.0, float(np.abs(expected).max()))
        apart = float(np.abs(expected - got).max()) if expected.shape == got.shape else float("inf")
        if not apart <= allowed:
            raise InputError(
                f"the exported network differs from the trained one by {apart:.3g} on {count} rows",
                expected=f"scores within {allowed:.3g}, whatever the number of rows",
                todo="look in the model for shapes or branches fixed while it was exported (a batch size, a Python if)",
            )


def _answer(network: Path, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    try:
        return run(network, tensors)
    except (ort.capi.onnxruntime_pybind11_state.RuntimeException, ort.capi.onnxruntime_pybind11_state.Fail) as error:
        raise InputError(
            f"the exported network does not run on {len(next(iter(tensors.values())))} rows: "
            f"{str(error).strip().splitlines()[0]}",
            expected="a network that takes any number of rows",
            todo="look in the model for a batch size fixed while it was exported",
        ) from error
