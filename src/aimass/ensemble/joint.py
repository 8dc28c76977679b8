"""One graph of several models on shared raw columns.  Knows tensors and names, never what is fused or why.

`answer` runs a member on every row; `instead` runs it on some rows only, and not at all where there are none: its graph
lies in the branch of an `If` behind a `Compress`, so what is not asked is not computed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aimass.core.signature import Signature
from aimass.models.merge import keep_only, prefixed, same_versions
from aimass.models.network import IR_VERSION, OPSET, bare


class Joint:
    """The graph that the MODELS (by name) of SIGNATURE share; OUTPUT is what is taken of each."""

    def __init__(self, models: Mapping[str, onnx.ModelProto], signature: Signature, output: str) -> None:
        empty = helper.make_graph([], "model", [], [])
        ours = helper.make_model(empty, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        self.whole, *raised = same_versions([ours, *(copy.deepcopy(model) for model in models.values())])
        self.models, self.signature, self.output = dict(zip(models, raised, strict=True)), signature, output
        self.graph, self.count = self.whole.graph, 0
        domains = {opset.domain: opset.version for model in raised for opset in model.opset_import if opset.domain}
        self.whole.opset_import.extend(helper.make_opsetid(*each) for each in sorted(domains.items()))
        self.graph.input.extend(self._columns())

    def _columns(self) -> list[onnx.ValueInfoProto]:
        """The raw columns in the order of the signature, N rows each."""
        taken = {value.name: value for model in self.models.values() for value in model.graph.input}
        found = [copy.deepcopy(taken[field.name]) for field in self.signature.rows if field.name in taken]
        for value in found:
            value.type.tensor_type.shape.dim[0].Clear()
            value.type.tensor_type.shape.dim[0].dim_param = "N"
        return found

    def _name(self, what: str) -> str:
        self.count += 1
        return f"fused/{self.count}/{what}"

    def add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """The output of a new node of KIND."""
        name = self._name(kind)
        self.graph.node.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, value: np.ndarray) -> str:
        """The name of VALUE in the graph; text is an array of objects."""
        name, value = self._name("constant"), np.asarray(value)
        if value.dtype.kind == "O":
            texts = [str(text).encode() for text in value.ravel()]
            made = helper.make_tensor(name, TensorProto.STRING, value.shape, texts)  # type: ignore[arg-type]  # bytes
        else:
            made = numpy_helper.from_array(value, name)
        self.graph.initializer.append(made)
        return name

    def answer(self, member: str) -> str:
        """What MEMBER answers to every row, float32."""
        prefix = self._name(f"{member}/")
        model = self._part(member, prefix, inputs=False)
        self.graph.node.extend(model.graph.node)
        self.graph.initializer.extend(model.graph.initializer)
        self.graph.sparse_initializer.extend(model.graph.sparse_initializer)
        return self.add("Cast", [prefix + self.output], to=TensorProto.FLOAT)

    def instead(self, answer: str, member: str, rows: str) -> str:
        """ANSWER where the mask ROWS [N] is false, and what MEMBER answers where it is true."""
        kept, branch = self._kept(answer), self._asked(answer, member, rows)
        some = self.add("Greater", [self._number_of(rows), self.constant(np.array(0, np.int64))])
        return self.add("If", [some], then_branch=branch, else_branch=kept)

    def _number_of(self, rows: str) -> str:
        """How many are true in the mask ROWS: 0 of no rows, too."""
        return self.add("ReduceSum", [self.add("Cast", [rows], to=TensorProto.INT64)], keepdims=0)

    def _kept(self, answer: str) -> onnx.GraphProto:
        name = self._name("kept")
        return helper.make_graph([helper.make_node("Identity", [answer], [name])], "kept", [], [self._info(name)])

    def _asked(self, answer: str, member: str, rows: str) -> onnx.GraphProto:
        """A branch that runs MEMBER on ROWS alone and puts its answers into a copy of ANSWER."""
        prefix, out = self._name(f"{member}/"), self._name("asked")
        model = self._part(member, prefix, inputs=True)
        columns = [value.name for value in model.graph.input]
        nodes = [helper.make_node("Compress", [n.removeprefix(prefix), rows], [n], axis=0) for n in columns]
        nodes += model.graph.node
        number, across, places = (self._name(what) for what in ("number", "across", "places"))
        nodes += [
            helper.make_node("Cast", [prefix + self.output], [number], to=TensorProto.FLOAT),
            helper.make_node("NonZero", [rows], [across]),
            helper.make_node("Transpose", [across], [places]),
            helper.make_node("ScatterND", [answer, places, number], [out]),
        ]
        branch = helper.make_graph(nodes, "asked", [], [self._info(out)], list(model.graph.initializer))
        branch.sparse_initializer.extend(model.graph.sparse_initializer)
        return branch

    def _part(self, member: str, prefix: str, *, inputs: bool) -> onnx.ModelProto:
        """MEMBER with its names behind PREFIX, and what its answer needs of it."""
        model = prefixed(copy.deepcopy(self.models[member]), prefix, inputs=inputs)
        self.whole.functions.extend(model.functions)
        keep_only(model, [prefix + self.output])
        return model

    def _info(self, name: str) -> onnx.ValueInfoProto:
        classes = len(self.signature.classes)
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", classes] if classes else ["N"])

    def finish(self, answer: str) -> onnx.ModelProto:
        """The whole model: ANSWER under its name, and the label of the most probable class."""
        self.graph.node.append(helper.make_node("Identity", [answer], [self.output]))
        self.graph.output.append(self._info(self.output))
        if self.signature.classes:
            best = self.add("ArgMax", [answer], axis=1, keepdims=0)
            names = self.constant(np.array(self.signature.classes, object))
            self.graph.node.append(helper.make_node("Gather", [names, best], ["label"]))
            self.graph.output.insert(0, helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]))
        bare(self.whole)
        onnx.checker.check_model(self.whole)
        return self.whole
