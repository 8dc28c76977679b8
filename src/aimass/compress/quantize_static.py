"""8-bit weights and activations, their ranges found on training rows (Jacob et al. 2018, arXiv 1712.05877)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

from aimass.compress.base import Pass
from aimass.compress.network import simplified, why_not
from aimass.core.artifact import Examples, Model
from aimass.core.part import knob

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Gather")  # Gather: embedding tables, often most of the bytes
# Operators that stay in 8 bits between weighted ones, so that no value is converted back and forth.
BETWEEN = ("Add", "Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool",
           "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze")  # fmt: skip
BATCH = 32


class QuantizeInt8(Pass):
    """8-bit weights and activations, calibrated on training rows (convolutions, linear layers, embeddings)."""

    rows: int = knob(256, 8, 100_000, help="training rows that show the range of each activation")
    per_channel: bool = knob(True, help="a scale for each output channel: arXiv 1806.08342, section 3.1")
    weight_bits: int = knob(8, choices=(7, 8), help="7 where the processor adds 8-bit products in 16 bits (no VNNI)")
    activation: str = knob("uint8", choices=("uint8", "int8"), help="int8 is quicker on some ARM processors")
    seed: int = knob(0, 0, help="which training rows")

    def applies(self, model: Model) -> str:
        """'' or why not: trees, quantised already, too few weights."""
        return why_not(model, WEIGHTED)

    def apply(self, network: Path, examples: Examples, out: Path) -> None:
        """Write the quantised NETWORK (QDQ form, scores in full precision) to OUT."""
        from aimass.prepare.cache import read_split

        tensors = read_split(examples.folder, "train")
        with tempfile.TemporaryDirectory() as folder:
            source = simplified(network, Path(folder) / "simplified.onnx")
            names = [i.name for i in source.graph.input]
            rows = self.chosen(len(tensors[names[0]]))
            reader = Batches({name: np.ascontiguousarray(tensors[name][rows]) for name in names})
            quantize_static(
                source,
                out,
                reader,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=[*WEIGHTED, *BETWEEN],
                per_channel=self.per_channel,
                reduce_range=self.weight_bits == 7,
                activation_type=QuantType.QUInt8 if self.activation == "uint8" else QuantType.QInt8,
                weight_type=QuantType.QInt8,
            )
        quantised = onnx.load(out)
        _leave_scores_float(quantised.graph)
        onnx.save(quantised, out)

    def chosen(self, count: int) -> np.ndarray:
        """Sorted indices of the calibration rows among COUNT training rows."""
        random = np.random.default_rng(self.seed)
        return np.sort(random.choice(count, size=min(self.rows, count), replace=False))


class Batches:
    """Named tensors [N, ...] in batches: a CalibrationDataReader, which is anything with `get_next`."""

    def __init__(self, tensors: dict[str, np.ndarray]) -> None:
        self.left: Iterator[dict[str, np.ndarray]] = (
            {name: tensor[begin : begin + BATCH] for name, tensor in tensors.items()}
            for begin in range(0, len(next(iter(tensors.values()))), BATCH)
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.left, None)


def _leave_scores_float(graph: onnx.GraphProto) -> None:
    """Take the last quantise/dequantise pair out: 256 distinct scores would rank many rows alike, for no gain."""
    maker = {name: node for node in graph.node for name in node.output}
    scores = graph.output[0].name
    last = maker[scores]
    if last.op_type != "DequantizeLinear" or maker[last.input[0]].op_type != "QuantizeLinear":
        return
    quantise = maker[last.input[0]]
    maker[quantise.input[0]].output[0] = scores
    graph.node.remove(last)
    graph.node.remove(quantise)
