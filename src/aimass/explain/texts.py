"""A text in pieces: the words that the graph reads, alone or several together."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from aimass.explain.game import Words

MARKS = "!?$€£%@#"  # and single marks of category So: as `prepare.text` finds words
GROUPS = 12  # a long text falls into so many pieces at first


def words_of(text: str) -> list[tuple[int, int]]:
    """Begin and end of every word of TEXT, as `prepare.text` tells words apart."""
    found: list[tuple[int, int]] = []
    inside = False
    for at, letter in enumerate(text):
        kind = unicodedata.category(letter)
        runs = kind[0] in "LMN"
        if runs and inside:
            found[-1] = (found[-1][0], at + 1)
        elif runs or letter in MARKS or kind == "So":
            found.append((at, at + 1))
        inside = runs
    return found


@dataclass(frozen=True)
class Run:
    """Words FIRST..LAST - 1 of a text."""

    first: int
    last: int


@dataclass(frozen=True)
class Text:
    """The column COLUMN of a row, its TEXT."""

    column: str
    text: str
    words: tuple[tuple[int, int], ...]
    short: int  # words that are told apart at once

    @classmethod
    def of(cls, column: str, text: str, short: int) -> Text:
        return cls(column, text, tuple(words_of(text)), short)

    def pieces(self) -> list[Run]:
        return parts(0, len(self.words), len(self.words) if len(self.words) <= self.short else GROUPS)

    def split(self, piece: Run) -> list[Run]:
        count = piece.last - piece.first
        return parts(piece.first, piece.last, min(4, count)) if count > 1 else []

    def unit(self, pieces: Sequence[Run], rows: int) -> Words:
        """A player for each of PIECES; what lies between words always stays."""
        player = {word: at for at, run in enumerate(pieces) for word in range(run.first, run.last)}
        made, end = [], 0
        for word, (begin, stop) in enumerate(self.words):
            made += [(self.text[end:begin], -1), (self.text[begin:stop], player[word])]
            end = stop
        return Words(self.column, (*made, (self.text[end:], -1)), len(pieces), rows)

    def span(self, piece: Run) -> tuple[int, int]:
        """Begin and end of PIECE in the text."""
        return self.words[piece.first][0], self.words[piece.last - 1][1]


def parts(first: int, last: int, count: int) -> list[Run]:
    """FIRST..LAST in COUNT runs, as alike as can be."""
    cuts = [first + (last - first) * i // count for i in range(count + 1)] if count else []
    return [Run(begin, end) for begin, end in pairwise(cuts) if end > begin]
