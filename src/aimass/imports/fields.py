"""What a network takes and gives, as fields: name, dtype, and shape of a row."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import TensorProto

from aimass.core.errors import InputError
from aimass.core.signature import Field

DTYPES: dict[int, str] = {
    TensorProto.BOOL: "bool",
    TensorProto.UINT8: "uint8",
    TensorProto.UINT16: "uint16",
    TensorProto.UINT32: "uint32",
    TensorProto.UINT64: "uint64",
    TensorProto.INT8: "int8",
    TensorProto.INT16: "int16",
    TensorProto.INT32: "int32",
    TensorProto.INT64: "int64",
    TensorProto.FLOAT16: "float16",
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
    TensorProto.STRING: "string",
}
TYPES = {dtype: number for number, dtype in DTYPES.items()}
ROWS_FIRST = "a tensor whose first dimension is the rows"


def taken(network: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """The inputs a caller fills: old files list their weights among the inputs, too."""
    weights = {tensor.name for tensor in network.graph.initializer}
    return [value for value in network.graph.input if value.name not in weights]


def fields_of(values: Sequence[onnx.ValueInfoProto], what: str) -> tuple[Field, ...]:
    """VALUES (WHAT: "input" or "output") as fields; a size of 0 is free.  Raises InputError for other than tensors."""
    return tuple(_field(value, what) for value in values)


def _field(value: onnx.ValueInfoProto, what: str) -> Field:
    kind = value.type.WhichOneof("value")
    tensor = value.type.tensor_type
    if kind != "tensor_type":
        named = (kind or "value of no type").removesuffix("_type").replace("_", " ")
        raise _wrong(value, what, f"is a {named}")
    if tensor.elem_type not in DTYPES:
        raise _wrong(value, what, f"holds {TensorProto.DataType.Name(tensor.elem_type).lower()}")
    if not tensor.HasField("shape"):
        raise _wrong(value, what, "says nothing of its shape")
    if not tensor.shape.dim:
        raise _wrong(value, what, "has no dimension")
    shape = tuple(max(0, dim.dim_value) for dim in tensor.shape.dim[1:])
    dtype = DTYPES[tensor.elem_type]
    if what == "output":
        return Field(value.name, dtype, shape)
    sent = "tensor" if shape else {"float32": "number", "float64": "number", "string": "string"}.get(dtype, "tensor")
    kind = {"number": "number", "string": "category"}.get(sent, "")
    return Field(value.name, dtype, shape, kind=kind, sent=sent)


def _wrong(value: onnx.ValueInfoProto, what: str, wrong: str) -> InputError:
    leave = "; or leave it out: answers names the outputs that are kept" if what == "output" else ""
    return InputError(f"the {what} {value.name!r} {wrong}", expected=f"{ROWS_FIRST}, of numbers, truths or texts",
                      todo=f"export the model with such an {what}{leave}", key="path")  # fmt: skip
