"""The file that is served: columns in front of the network where they are named, our answers behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import checker, compose, helper

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.engines.base import Tensors
from aimass.imports import columns, heads
from aimass.imports.answers import Answers
from aimass.imports.batch import ROWS
from aimass.imports.fields import TYPES, fields_of, taken
from aimass.models.network import bare

ITS = "its/"  # before every name of the network


@dataclass(frozen=True)
class Built:
    """A model of ours, and how rows for it and for its network become each other."""

    model: onnx.ModelProto
    answers: Answers
    signature: Signature
    to_network: Callable[[Tensors], Tensors]
    from_network: Callable[[Tensors], Tensors]


def built(network: onnx.ModelProto, answers: Answers, named: Sequence[str], target: str) -> Built:
    """NETWORK (free rows) as a model of ours.  Raises InputError for columns that do not fit or share names."""
    inputs = fields_of(taken(network), "input")
    if not inputs:
        raise InputError("the model takes nothing", expected="at least one input", key="path")
    matrix = _matrix(inputs, named)
    rows = columns.columns_of(matrix, named) if matrix else inputs
    _check_names(rows, answers.outputs)
    signature = Signature(answers.task, target, rows, inputs, answers.outputs)
    plain = matrix is None and all(name == field.name for name, field in answers.taken.items())
    model = _kept(network, answers) if plain and answers.task == "other" else _wrapped(network, signature, answers)
    if matrix is None:
        return Built(model, answers, signature, dict, dict)
    return Built(
        model,
        answers,
        signature,
        lambda given: {matrix.name: columns.joined(matrix, rows, given)},
        lambda given: columns.parted(matrix, rows, np.asarray(given[matrix.name])),
    )


def _matrix(inputs: Sequence[Field], named: Sequence[str]) -> Field | None:
    """The input whose values have names."""
    if not named:
        return None
    if len(inputs) != 1:
        raise InputError(f"columns are named, the model takes {len(inputs)} inputs",
                         expected="a model with one input", todo="leave the columns out", key="columns")  # fmt: skip
    return inputs[0]


def _check_names(rows: Sequence[Field], outputs: Sequence[Field]) -> None:
    """Raises InputError for names that are empty, that are ours inside the file, or that stand on both sides."""
    for field in (*rows, *outputs):
        if not field.name or field.name.startswith((ITS, columns.OURS)):
            raise InputError(
                f"{field.name!r} cannot be the name of a column or an answer",
                expected=f"a name that does not begin with {ITS} or {columns.OURS}",
                todo="give other names: columns = [...], answers = { ... }",
                key="columns",
            )
    both = {field.name for field in rows} & {field.name for field in outputs}
    if both:
        raise InputError(
            f"{min(both)!r} is what the model takes and what it gives",
            expected="names that differ",
            todo="call one something else: columns = [...], answers = { ... }",
            key="columns",
        )


def _kept(network: onnx.ModelProto, answers: Answers) -> onnx.ModelProto:
    """NETWORK with the outputs that are asked for, and nothing else changed."""
    model = onnx.ModelProto()
    model.CopyFrom(network)
    outputs = [output for output in model.graph.output if output.name in answers.taken]
    held = [onnx.ValueInfoProto.FromString(output.SerializeToString()) for output in outputs]
    del model.graph.output[:]
    model.graph.output.extend(held)
    return bare(model)


def _wrapped(network: onnx.ModelProto, signature: Signature, answers: Answers) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(network)
    weights = {tensor.name for tensor in copy.graph.initializer}
    old = [value for value in copy.graph.input if value.name in weights]
    for value in old:
        copy.graph.input.remove(value)
    model = compose.add_prefix(bare(copy), ITS)
    model.ir_version = max(model.ir_version, 4)  # from there on a weight is no input
    graph = model.graph
    front = _front(signature)
    behind = heads.nodes_for(answers, ITS)
    nodes = [*front, *graph.node, *behind]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.input.extend(_info(field) for field in signature.rows)
    graph.output.extend(_info(field) for field in signature.outputs)
    graph.initializer.extend(_used(heads.constants_of(answers), [*front, *behind]))
    graph.name = "model"
    checker.check_model(model)
    return model


def _front(signature: Signature) -> list[onnx.NodeProto]:
    if signature.rows == signature.inputs:
        return [helper.make_node("Identity", [field.name], [ITS + field.name]) for field in signature.inputs]
    matrix = signature.inputs[0]
    return columns.nodes_for(matrix, signature.rows, ITS + matrix.name)


def _used(constants: list[onnx.TensorProto], nodes: list[onnx.NodeProto]) -> list[onnx.TensorProto]:
    read = {name for node in nodes for name in node.input}
    return [constant for constant in constants if constant.name in read]


def _info(field: Field) -> onnx.ValueInfoProto:
    shape = [ROWS, *(size or None for size in field.shape)]
    return helper.make_tensor_value_info(field.name, TYPES[field.dtype], shape)
