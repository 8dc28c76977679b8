"""Layers over numbers, category vectors and bags of words, for tables."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.models.base import Architecture
from aimass.models.columns import Columns, head
from aimass.models.inputs import require

TAKES = ("numbers", "categories", "words")


class Mlp(Architecture):
    """Fully connected layers with batch norm and dropout (category vectors: Guo and Berkhahn 2016, 1604.06737)."""

    width: int = knob(256, 4, 4096, log=True, help="units of a layer")
    depth: int = knob(2, 1, 8, help="layers before the last")
    dropout: float = knob(0.1, 0.0, 0.9, help="share of units silenced in a training step")
    embedding: int = knob(32, 1, 512, log=True, help="longest vector of a category")
    words: int = knob(32, 1, 512, log=True, help="length of the vector of a word")

    def build(self, signature: Signature) -> nn.Module:
        """A module tensors -> scores.  Raises InputError for images, or when there is nothing to use."""
        require("mlp", signature, takes=TAKES)
        return MlpNet(self, signature)


class MlpNet(nn.Module):
    """Columns -> (linear, batch norm, ReLU, dropout) x depth -> scores."""

    def __init__(self, part: Mlp, signature: Signature) -> None:
        super().__init__()
        self.columns = Columns(signature, embedding=part.embedding, words=part.words)
        widths = [self.columns.width, *[part.width] * part.depth]
        self.layers = nn.Sequential(
            *(_layer(i, o, part.dropout) for i, o in pairwise(widths)),
            head(part.width, signature.width, dropout=0.0),
        )

    def forward(self, *tensors: Tensor) -> Tensor:
        scores: Tensor = self.layers(self.columns(*tensors))
        return scores


def _layer(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True), nn.Dropout(dropout)
    )
