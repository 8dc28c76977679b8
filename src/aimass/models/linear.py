"""A weight for each number, each value of each category, each word and each pixel: the yardstick for the others."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from aimass.core.signature import Field, Signature
from aimass.models.base import Architecture
from aimass.models.columns import Bag
from aimass.models.inputs import kind_of, require


class Linear(Architecture):
    """Logistic, softmax or linear regression over every column."""

    def build(self, signature: Signature) -> nn.Module:
        """A module tensors -> scores.  Raises InputError when there is no input at all."""
        require("linear", signature, takes=("numbers", "categories", "words", "image"))
        return LinearNet(signature)


class LinearNet(nn.Module):
    """The sum of one linear term an input tensor, and a bias."""

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        self.terms = nn.ModuleList(_term(field, signature.width) for field in signature.inputs)
        self.bias = nn.Parameter(torch.zeros(signature.width))

    def forward(self, *tensors: Tensor) -> Tensor:
        scores = self.bias
        for term, tensor in zip(self.terms, tensors, strict=True):
            scores = scores + term(tensor)
        return scores


class Weights(nn.Module):
    """A weight for each value of each category column, summed.  [N, C] -> [N, width]"""

    def __init__(self, sizes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, width) for size in sizes)
        for table in self.tables:
            nn.init.zeros_(table.weight)  # type: ignore[arg-type]

    def forward(self, index_NC: Tensor) -> Tensor:
        return torch.stack([table(index_NC[:, i]) for i, table in enumerate(self.tables)]).sum(dim=0)


def _term(field: Field, width: int) -> nn.Module:
    kind = kind_of(field)
    if kind == "categories":
        return Weights(field.sizes, width)
    if kind == "words":
        return Bag(max(field.sizes), width)
    size = math.prod(field.shape)
    layers = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(size), nn.Linear(size, width, bias=False))
    nn.init.zeros_(layers[2].weight)  # type: ignore[arg-type]
    return layers
