"""Words replaced by others that mean the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from aimass.train.augment.rewording import Rewording
from aimass.train.augment.words import PADDING


class Synonyms(Rewording):
    """Replaces words by their synonyms in a given table (after Wei and Zou 2019, arXiv 1901.11196).

    Single words only.  One that the vocabulary does not hold (too rare, or a misprint) is passed over: the network
    could not tell it from any other unknown word.
    """

    table: dict[str, list[str]] = field(metadata={"help": 'word -> words that may stand for it: {film = ["movie"]}'})

    def others(self, vocabulary: Mapping[str, int]) -> Mapping[int, Sequence[int]]:
        def index(word: str) -> int:
            return vocabulary.get(word, vocabulary.get(word.lower(), PADDING))

        found: dict[int, set[int]] = {}
        for word, instead in self.table.items():
            found.setdefault(index(word), set()).update(map(index, instead))
        return {word: sorted(others - {PADDING, word}) for word, others in found.items() if word != PADDING}
