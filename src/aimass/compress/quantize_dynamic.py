"""8-bit weights of linear layers; activations are quantised anew for each call, so no rows are needed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic

from aimass.compress.base import Pass
from aimass.compress.network import simplified, why_not
from aimass.core.artifact import Examples, Model
from aimass.core.part import knob

# Convolutions stay out: dynamic ones ran up to ten times slower (microsoft/onnxruntime#12854, #6732, #16009).
WEIGHTED = ("Gemm", "MatMul")


class QuantizeInt8Dynamic(Pass):
    """8-bit weights of linear layers (MatMul and Gemm only), activations quantised call by call."""

    per_channel: bool = knob(True, help="a scale for each output channel")
    weight_bits: int = knob(8, choices=(7, 8), help="7 where the processor adds 8-bit products in 16 bits (no VNNI)")

    def applies(self, model: Model) -> str:
        """'' or why not: trees, quantised already, too few weights in linear layers."""
        return why_not(model, WEIGHTED)

    def apply(self, network: Path, examples: Examples, out: Path) -> None:
        """Write the quantised NETWORK to OUT; EXAMPLES are not needed."""
        with tempfile.TemporaryDirectory() as folder:
            source = simplified(network, Path(folder) / "simplified.onnx")
            # Gemm weights are transposed on the way to MatMul; the shapes noted before would contradict.
            del source.graph.value_info[:]
            quantize_dynamic(
                source,
                out,
                op_types_to_quantize=["MatMul"],  # Gemm has become MatMul by then
                per_channel=self.per_channel,
                reduce_range=self.weight_bits == 7,
                weight_type=QuantType.QInt8,
                extra_options={"MatMulConstBOnly": True},
            )
