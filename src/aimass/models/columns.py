"""Columns of a table as one vector a row: what every torch architecture shares.

N = rows, D = numbers, C = category columns, T = words of a text, E = embedding, V = vector.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from aimass.core.signature import Field, Signature
from aimass.models.inputs import kind_of


def embedding_size(values: int, largest: int) -> int:
    """Length of the vector that stands for a category of VALUES values (fastai's rule: 1.6 * values ** 0.56)."""
    return max(1, min(largest, round(1.6 * math.pow(values, 0.56))))


def head(width: int, scores: int, *, dropout: float) -> nn.Sequential:
    """[N, WIDTH] -> scores [N, SCORES]."""
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(width, scores))


class Bag(nn.Module):
    """Mean of the vectors of the words of a text; padding (index 0) does not count.  [N, T] -> [N, E]"""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.1)
        with torch.no_grad():
            self.embedding.weight[0].zero_()

    def forward(self, words_NT: Tensor) -> Tensor:
        # The vector of padding is zero and stays so (padding_idx), so a sum needs no mask.
        length_N1 = (words_NT != 0).sum(dim=1, keepdim=True).clamp(min=1)
        mean_NE: Tensor = self.embedding(words_NT).sum(dim=1) / length_N1
        return mean_NE


class Categories(nn.Module):
    """A vector for each value of each category column, side by side.  [N, C] -> [N, sum of E]"""

    def __init__(self, sizes: tuple[int, ...], largest: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, embedding_size(size, largest)) for size in sizes)
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.05)  # type: ignore[arg-type]
        self.width = sum(embedding_size(size, largest) for size in sizes)

    def forward(self, index_NC: Tensor) -> Tensor:
        return torch.cat([table(index_NC[:, i]) for i, table in enumerate(self.tables)], dim=1)


class Columns(nn.Module):
    """Numbers (batch-normed), category vectors and bags of words side by side.

    Takes all tensors of the signature, uses those three kinds.  -> [N, width]
    """

    def __init__(
        self,
        signature: Signature,
        *,
        embedding: int,
        words: int,
        kinds: tuple[str, ...] = ("numbers", "categories", "words"),
    ) -> None:
        super().__init__()
        self.places = [i for i, field in enumerate(signature.inputs) if kind_of(field) in kinds]
        parts = [_part(signature.inputs[i], embedding, words) for i in self.places]
        self.parts = nn.ModuleList(module for module, _ in parts)
        self.width = sum(width for _, width in parts)

    def forward(self, *tensors: Tensor) -> Tensor:
        return torch.cat([part(tensors[i]) for i, part in zip(self.places, self.parts, strict=True)], dim=1)


def _part(field: Field, embedding: int, words: int) -> tuple[nn.Module, int]:
    kind = kind_of(field)
    if kind == "numbers":
        return nn.BatchNorm1d(field.shape[0]), field.shape[0]
    if kind == "categories":
        categories = Categories(field.sizes, embedding)
        return categories, categories.width
    return Bag(max(field.sizes), words), words
