"""Layers over numbers, category vectors and bags of words, for tables."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.models.activations import Activation, activation
from aimass.models.base import Architecture
from aimass.models.columns import Columns, head
from aimass.models.initialise import Initialisation, initialise
from aimass.models.inputs import require

TAKES = ("numbers", "categories", "words")


class Mlp(Architecture):
    """Fully connected layers with norms and dropout (category vectors: Guo and Berkhahn 2016, 1604.06737)."""

    width: int = knob(256, 4, 4096, log=True, help="units of a layer")
    depth: int = knob(2, 1, 8, help="layers before the last")
    dropout: float = knob(0.1, 0.0, 0.9, help="share of units silenced in a training step")
    embedding: int = knob(32, 1, 512, log=True, help="longest vector of a category")
    words: int = knob(32, 1, 512, log=True, help="length of the vector of a word")
    activation: Activation = knob("relu", help="between layers")
    norm: Literal["batch", "layer", "none"] = knob("batch", help="of what a layer gives; layer: apart for each row")
    initialisation: Initialisation = knob("torch", help="of the weights before the first step")

    def build(self, signature: Signature) -> nn.Module:
        """A module tensors -> scores.  Raises InputError for images, or when there is nothing to use."""
        require("mlp", signature, takes=TAKES)
        return MlpNet(self, signature)


class MlpNet(nn.Module):
    """Columns -> (linear, norm, activation, dropout) x depth -> scores."""

    def __init__(self, part: Mlp, signature: Signature) -> None:
        super().__init__()
        self.columns = Columns(signature, embedding=part.embedding, words=part.words)
        widths = [self.columns.width, *[part.width] * part.depth]
        self.layers = nn.Sequential(
            *(_layer(part, i, o) for i, o in pairwise(widths)),
            head(part.width, signature.width, dropout=0.0),
        )
        initialise(self, part.initialisation, part.activation)

    def forward(self, *tensors: Tensor) -> Tensor:
        scores: Tensor = self.layers(self.columns(*tensors))
        return scores


def _layer(part: Mlp, inputs: int, outputs: int) -> nn.Sequential:
    norms: dict[str, list[nn.Module]] = {
        "batch": [nn.BatchNorm1d(outputs)], "layer": [nn.LayerNorm(outputs)], "none": []
    }  # fmt: skip
    linear = nn.Linear(inputs, outputs, bias=part.norm == "none")  # norms shift by themselves
    return nn.Sequential(linear, *norms[part.norm], activation(part.activation), nn.Dropout(part.dropout))
