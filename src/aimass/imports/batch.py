"""A fixed number of rows is made free, where shape inference says that the rows go through.

Whether they really do is for parity to say: every file answers 1, 3 and 64 rows before it is kept.
"""

from __future__ import annotations

import onnx
from onnx import shape_inference

from aimass.core.errors import InputError
from aimass.imports.fields import taken

ROWS = "N"
TODO = (
    "export it with free rows: dynamic_shapes of torch.onnx.export, dynamic axes of the others; a Reshape to a fixed "
    "batch is the usual cause"
)


def fixed_rows(network: onnx.ModelProto) -> int:
    """The number of rows the inputs of NETWORK insist on, 0 where it is free.  Raises InputError where they differ."""
    found = {dims[0].dim_value for value in taken(network) if (dims := value.type.tensor_type.shape.dim)}
    if len(found) > 1:
        raise InputError(f"the inputs begin with {', '.join(map(str, sorted(found)))} rows (0: any number)",
                         expected="inputs that agree on the rows", todo=TODO, key="path")  # fmt: skip
    return found.pop() if found else 0


def freed(network: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of NETWORK that says it takes any number of rows.  Raises InputError where an output says otherwise."""
    free = onnx.ModelProto()
    free.CopyFrom(network)
    del free.graph.value_info[:]
    for value in taken(free):
        _name_rows(value)
    for output in free.graph.output:
        dims = output.type.tensor_type.shape.dim
        if output.type.HasField("tensor_type") and dims:
            _name_rows(output)
    found = _inferred(free)
    for output in found.graph.output:
        dims = output.type.tensor_type.shape.dim
        if dims and dims[0].dim_param != ROWS:
            raise InputError(f"the output {output.name!r} has {dims[0].dim_value} rows whatever goes in",
                             expected="as many rows as are sent", todo=TODO, key="path")  # fmt: skip
    return free


def _inferred(network: onnx.ModelProto) -> onnx.ModelProto:
    """NETWORK with what follows for its shapes from its inputs alone."""
    blank = onnx.ModelProto()
    blank.CopyFrom(network)
    for output in blank.graph.output:
        if output.type.HasField("tensor_type") and output.type.tensor_type.HasField("shape"):
            for dim in output.type.tensor_type.shape.dim:
                dim.Clear()
    try:
        found = shape_inference.infer_shapes(blank, strict_mode=True, data_prop=True)
    except (shape_inference.InferenceError, RuntimeError) as error:
        why = str(error).strip().splitlines()[0][:200]
        raise InputError(f"the rows cannot be made free: {why}", expected="operators that take any number of rows",
                         todo=TODO, key="path") from error  # fmt: skip
    for output, said in zip(found.graph.output, network.graph.output, strict=True):
        dims = output.type.tensor_type.shape.dim
        if dims and not dims[0].WhichOneof("value"):  # nothing follows: parity has to say
            dims[0].CopyFrom(said.type.tensor_type.shape.dim[0])
    return found


def _name_rows(value: onnx.ValueInfoProto) -> None:
    first = value.type.tensor_type.shape.dim[0]
    first.Clear()
    first.dim_param = ROWS
