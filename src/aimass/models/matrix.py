"""All tensors of a row side by side, for learners that want one matrix; in numpy and, the same, in ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper

from aimass.core.signature import Field

TYPES = {"float32": TensorProto.FLOAT, "int32": TensorProto.INT32}


def matrix(tensors: Mapping[str, np.ndarray], inputs: tuple[Field, ...]) -> np.ndarray:
    """Float32 [N, D]: the INPUTS in their order, images flattened, categories as their index; N may be 0."""
    parts = [(np.asarray(tensors[f.name], np.float32), math.prod(f.shape)) for f in inputs]
    return np.concatenate([part.reshape(len(part), width) for part, width in parts], 1)


def matrix_nodes(inputs: tuple[Field, ...], out: str) -> list[onnx.NodeProto]:
    """Nodes that compute `matrix` from the tensors, under the name OUT."""
    nodes, parts = [], []
    for i, field in enumerate(inputs):
        nodes.append(helper.make_node("Cast", [field.name], [f"float_{i}"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Flatten", [f"float_{i}"], [f"flat_{i}"], axis=1))
        parts.append(f"flat_{i}")
    return [*nodes, helper.make_node("Concat", parts, [out], axis=1)]


def matrix_width(inputs: tuple[Field, ...]) -> int:
    """D: columns of the matrix."""
    return sum(math.prod(field.shape) for field in inputs)


def tensor_infos(inputs: tuple[Field, ...]) -> list[onnx.ValueInfoProto]:
    """The INPUTS as ONNX declares them, rows first."""
    return [helper.make_tensor_value_info(f.name, TYPES[f.dtype], ["N", *f.shape]) for f in inputs]
