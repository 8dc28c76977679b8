"""What synonyms and spelling mistakes share: a table of what may stand in each word's stead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Field, Signature
from aimass.models.inputs import kind_of
from aimass.train.augment.base import Vary, branch
from aimass.train.augment.vocabulary import vocabulary_of
from aimass.train.augment.words import OfWords
from aimass.train.batch import Batch
from aimass.train.rng import Chance

LARGE = 1 << 30


class Instead(NamedTuple):
    """For word w: MANY[w] words, in FLAT from BEGIN[w] on.  All int64."""

    begin: Tensor
    many: Tensor
    flat: Tensor


class Rewording(OfWords):
    """Puts other words in the place of some; they come from the vocabulary in the graph."""

    share: float = knob(0.1, 0.0, 1.0, help="of the words that have others which are replaced")

    def others(self, vocabulary: Mapping[str, int]) -> Mapping[int, Sequence[int]]:
        """Word -> what may stand in its stead, all as indices."""
        raise NotImplementedError

    def ready(self, signature: Signature, graph: Path | None = None) -> Vary:
        """Raises InputError without a GRAPH, and when its vocabularies have no word that could be replaced."""
        self.check(signature)
        if graph is None:
            raise InputError(f"the augmentation {self.settings()['use']} looks words up, and there is no graph",
                             expected="examples made by prepare", todo="leave it out")  # fmt: skip
        tables = {
            i: self._on_device(field, graph) for i, field in enumerate(signature.inputs) if kind_of(field) == "words"
        }

        def vary(batch: Batch, chance: Chance) -> Batch:
            tensors = list(batch.tensors)
            for i, on in tables.items():
                words = tensors[i]
                tensors[i] = reworded(words, on(words.device), self.share, branch(chance, signature.inputs[i].name))
            return batch._replace(tensors=tuple(tensors))

        return vary

    def _on_device(self, field: Field, graph: Path) -> Callable[[torch.device], Instead]:
        table = as_table(self.others(vocabulary_of(graph, field.name)), max(field.sizes))
        if not int(table.many.sum()):
            raise InputError(
                f"the augmentation {self.settings()['use']} can replace no word of {field.name}",
                expected="words of its vocabulary",
                todo="look at their spelling, or leave it out",
            )
        return lru_cache(lambda device: Instead(*(part.to(device) for part in table)))


def reworded(words_NT: Tensor, instead: Instead, share: float, chance: Chance) -> Tensor:
    """SHARE of the words that have others replaced by one of them."""
    length = words_NT.shape[1]
    index = words_NT.long()
    many = instead.many[index]
    which = instead.begin[index] + chance.integers("which", 0, LARGE, length) % many.clamp(min=1)
    chosen = (many > 0) & (chance.uniform("share", length) < share)
    return torch.where(chosen, instead.flat[which].to(words_NT.dtype), words_NT)


def as_table(others: Mapping[int, Sequence[int]], size: int) -> Instead:
    """OTHERS as tensors, for words 0 .. SIZE - 1."""
    many = torch.tensor([len(others.get(word, ())) for word in range(size)])
    flat = [other for word in range(size) for other in others.get(word, ())]
    begin = many.cumsum(0) - many
    return Instead(begin.clamp(max=max(0, len(flat) - 1)), many, torch.tensor(flat or [0]))
