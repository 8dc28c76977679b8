"""Named columns in front of a network that takes one matrix: in numpy and, the same, in ONNX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import compose, helper, numpy_helper

from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.imports.fields import TYPES, fields_of

OURS = "ours/"  # before every name that we add
COLUMN = "ours/one column"  # the constant [-1, 1]


def columns_of(matrix: Field, names: Sequence[str]) -> tuple[Field, ...]:
    """A raw column for each value of MATRIX, as `prepare` would have it: float64 numbers, or texts."""
    check_columns(matrix, names)
    if matrix.dtype == "string":
        return tuple(Field(name, "string", kind="category", sent="string") for name in names)
    return tuple(Field(name, "float64", kind="number", sent="number") for name in names)


def check_columns(matrix: Field, names: Sequence[str]) -> None:
    """Raises InputError unless NAMES are the columns of MATRIX."""
    if len(matrix.shape) != 1 or matrix.shape[0] not in (0, len(names)):
        raise InputError(f"{len(names)} columns are named, a row of {matrix.name!r} is {list(matrix.shape)}",
                         expected="a name for each value of a row", key="columns")  # fmt: skip
    if len(set(names)) != len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise InputError(f"the column {twice!r} is named twice", expected="names that differ", key="columns")


def nodes_for(matrix: Field, columns: Sequence[Field], out: str) -> list[onnx.NodeProto]:
    """Nodes that make OUT [N, F] of COLUMNS [N]; they read the constant COLUMN."""
    nodes, parts = [], []
    for column in columns:
        name = column.name
        if column.dtype != matrix.dtype:
            nodes.append(helper.make_node("Cast", [name], [f"ours/cast {name}"], to=TYPES[matrix.dtype]))
            name = f"ours/cast {name}"
        nodes.append(helper.make_node("Reshape", [name, COLUMN], [f"ours/part {name}"]))
        parts.append(f"ours/part {name}")
    return [*nodes, helper.make_node("Concat", parts, [out], axis=1)]


def apart(network: onnx.ModelProto) -> onnx.ModelProto:
    """NETWORK of inputs [N, 1] as one of columns [N]: numbers in float64, texts as they are; outputs keep names."""
    made = compose.add_prefix(network, "its/", rename_outputs=False)
    fields, nodes, infos = fields_of(network.graph.input, "input"), [], []
    for field in fields:
        (column,) = columns_of(field, [field.name])
        nodes += nodes_for(field, [column], f"its/{field.name}")
        infos.append(helper.make_tensor_value_info(column.name, TYPES[column.dtype], ["N"]))
    nodes += made.graph.node
    del made.graph.node[:], made.graph.input[:]
    made.graph.node.extend(nodes)
    made.graph.input.extend(infos)
    made.graph.initializer.append(numpy_helper.from_array(np.array([-1, 1], np.int64), COLUMN))
    return made


def joined(matrix: Field, columns: Sequence[Field], rows: Tensors) -> np.ndarray:
    """The matrix that the nodes make of ROWS."""
    dtype: np.dtype = np.dtype(object) if matrix.dtype == "string" else np.dtype(matrix.dtype)
    return np.stack([np.asarray(rows[column.name]).astype(dtype) for column in columns], axis=1)


def parted(matrix: Field, columns: Sequence[Field], array: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of the matrix ARRAY [N, F]."""
    dtypes = [np.dtype(object) if column.dtype == "string" else np.dtype(column.dtype) for column in columns]
    return {c.name: array[:, i].astype(dtype) for i, (c, dtype) in enumerate(zip(columns, dtypes, strict=True))}
