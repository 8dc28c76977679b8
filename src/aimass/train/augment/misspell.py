"""Spelling mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from aimass.train.augment.rewording import Rewording
from aimass.train.augment.words import UNKNOWN


class Misspell(Rewording):
    """Words with a letter left out, typed twice or changed with its neighbour, as the graph would read them.

    The training tensors hold indices, so each word becomes what its misspelt form is looked up as: mostly the
    unknown word, sometimes another one ("form" as "from").  All mistakes are looked up once, before the first step.
    """

    def others(self, vocabulary: Mapping[str, int]) -> Mapping[int, Sequence[int]]:
        """Words of one letter and signs have none: without it there is no word, twice they are two."""
        words = {index: word.lower() for word, index in vocabulary.items()}
        return {i: [vocabulary.get(m, UNKNOWN) for m in mistakes(word)] for i, word in words.items() if len(word) > 1}


def mistakes(word: str) -> Iterator[str]:
    """Every spelling that differs from WORD by one slip: a letter left out, doubled, or swapped with the next."""
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]
        yield word[: i + 1] + word[i:]
        if i + 1 < len(word) and word[i] != word[i + 1]:
            yield word[:i] + word[i + 1] + word[i] + word[i + 2 :]
