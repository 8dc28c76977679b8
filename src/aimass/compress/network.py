"""What a pass may ask of a network file before it touches it."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path

import onnx

from aimass.core.artifact import Model

LEAST = 1024  # weights; below, the scales cost more bytes than the weights save
QUANTIZED = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "ConvInteger"}


def weights(network: onnx.ModelProto, operators: Collection[str]) -> int:
    """How many float weights feed the OPERATORS of NETWORK; biases (one axis) are not counted."""
    tensors = [t for t in network.graph.initializer if t.data_type == onnx.TensorProto.FLOAT and len(t.dims) > 1]
    floats = {t.name: math.prod(t.dims) for t in tensors}
    feeding = {name for node in network.graph.node if node.op_type in operators for name in node.input}
    return sum(floats[name] for name in feeding if name in floats)


def why_not(model: Model, operators: Collection[str]) -> str:
    """'' when the weights of OPERATORS in MODEL's network can be made 8-bit ones, else the reason."""
    network = onnx.load(model.folder / "network.onnx")
    kinds = {node.op_type for node in network.graph.node}
    if any(kind.startswith("TreeEnsemble") for kind in kinds):
        return "trees have nothing to quantise"
    if kinds & QUANTIZED:
        return "the network is quantised already"
    found = weights(network, operators)
    if found < LEAST:
        return f"{found} weights in {', '.join(sorted(operators))}: too few to gain anything"
    return ""


def simplified(network: Path, out: Path) -> onnx.ModelProto:
    """NETWORK with constants folded, batch norms merged and shapes inferred, as quantisation needs it.

    Uses OUT for the intermediate file.  Same network, same bytes.
    """
    from onnxruntime.quantization.shape_inference import quant_pre_process

    # The symbolic pass is for transformers with shape arithmetic; plain inference serves our networks.
    quant_pre_process(network, out, skip_symbolic_shape=True)
    return onnx.load(out)
