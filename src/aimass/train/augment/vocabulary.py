"""The vocabulary of a text column, read from the graph that made its tensors: which word has which index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aimass.core.errors import InputError

if TYPE_CHECKING:
    import onnx


def vocabulary_of(graph: Path, tensor: str) -> dict[str, int]:
    """Every spelling that GRAPH knows for TENSOR ("x.words.body"), and its index.

    Raises InputError when no table of words leads to that tensor.
    """
    import onnx

    nodes = {name: node for node in onnx.load(graph).graph.node for name in node.output}
    for node in _behind(tensor, nodes):
        if node.op_type == "LabelEncoder":
            facts = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if "keys_strings" in facts:
                words = [word.decode() for word in facts["keys_strings"]]
                return dict(zip(words, facts["values_int64s"], strict=True))
    raise InputError(f"no vocabulary is known of {tensor}", expected="a column that was prepared as text",
                     todo="leave out the augmentations that look words up")  # fmt: skip


def _behind(tensor: str, nodes: dict[str, onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """The nodes TENSOR is made by, nearest first, and those of the loops among them."""
    ahead, seen = [tensor], {""}
    while ahead:
        name = ahead.pop(0)
        node = nodes.get(name)
        if node is None or name in seen:
            continue
        seen.update(node.output)
        yield node
        for attribute in node.attribute:
            yield from attribute.g.node
        ahead += node.input
