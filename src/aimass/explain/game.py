"""What can be hidden of a row, and the rows that come of hiding it.

Players are hidden or shown; each belongs to a unit, which knows how to write its column for any choice of them.
M = rows asked about at once, P = players, B = rows of the background
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from aimass.engines.base import Tensors

GAP = " "  # stands where a word is hidden, so that its neighbours do not become one word


class Unit(Protocol):
    """A column, and the players it is made of."""

    @property
    def column(self) -> str: ...

    @property
    def players(self) -> int: ...

    def differs(self) -> np.ndarray:
        """Whether hiding a player changes the row, by row of the background: bool [B, players]."""
        ...

    def values(self, shown: np.ndarray, behind: np.ndarray) -> np.ndarray:
        """The column [M, ...] when the players SHOWN (bool [M, players]) stand before row BEHIND (int [M])."""
        ...


@dataclass(frozen=True)
class Whole:
    """A column that is shown or hidden as it is; hidden, it has the value of a row of the background."""

    column: str
    own: np.ndarray  # [1, ...]
    others: np.ndarray  # [B, ...]

    @property
    def players(self) -> int:
        return 1

    def differs(self) -> np.ndarray:
        return np.asarray(~same(self.own, self.others)[:, None])

    def values(self, shown: np.ndarray, behind: np.ndarray) -> np.ndarray:
        made = np.array(self.others[behind])
        made[shown[:, 0]] = self.own[0]
        return made


def same(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of OTHERS [B, ...] equal OWN [1, ...]: bool [B].  A missing number equals a missing number."""
    equal = np.asarray(others == own)
    if own.dtype.kind == "f":
        equal |= np.isnan(others) & np.isnan(own)
    return np.asarray(equal.reshape(len(others), -1).all(axis=1))


@dataclass(frozen=True)
class Words:
    """A text; hidden words are taken out of it.  PIECES are (text, player), player -1 for what lies between words."""

    column: str
    pieces: tuple[tuple[str, int], ...]
    players: int
    rows: int  # B

    def differs(self) -> np.ndarray:
        return np.ones((self.rows, self.players), bool)

    def values(self, shown: np.ndarray, behind: np.ndarray) -> np.ndarray:
        made = np.empty(len(shown), object)
        for row, on in enumerate(shown.tolist()):
            made[row] = "".join(text if player < 0 or on[player] else GAP for text, player in self.pieces)
        return made


@dataclass(frozen=True)
class Regions:
    """An image; hidden regions show the fallback image instead.  LABELS int [H, W] is the player of each pixel."""

    column: str
    own: np.ndarray  # [H, W, C]
    fallback: np.ndarray  # [H, W, C]
    labels: np.ndarray
    players: int
    rows: int  # B

    def differs(self) -> np.ndarray:
        changed = np.zeros(self.players, bool)
        changed[self.labels[(self.own != self.fallback).any(axis=2)]] = True
        return np.repeat(changed[None], self.rows, axis=0)

    def values(self, shown: np.ndarray, behind: np.ndarray) -> np.ndarray:
        return np.where(shown[:, self.labels][..., None], self.own, self.fallback)


@dataclass(frozen=True)
class Game:
    """All units of a row before BACKGROUND rows: which of their players are shown decides what the model sees."""

    units: tuple[Unit, ...]
    background: int  # B
    population: int  # rows that those of the background stand for: B, or more where there was no time for more

    @cached_property
    def players(self) -> int:
        return sum(unit.players for unit in self.units)

    @cached_property
    def differs(self) -> np.ndarray:
        """bool [B, P]: a player that changes nothing before a row has no share in the difference to that row."""
        return np.concatenate([unit.differs() for unit in self.units], axis=1)

    @cached_property
    def slices(self) -> list[slice]:
        """The players of each unit."""
        ends = np.cumsum([unit.players for unit in self.units]).tolist()
        return [slice(end - unit.players, end) for unit, end in zip(self.units, ends, strict=True)]

    def rows(self, shown: np.ndarray, behind: np.ndarray) -> Tensors:
        """Raw columns [M, ...] for SHOWN bool [M, P] before rows BEHIND int [M] of the background."""
        return {
            unit.column: unit.values(shown[:, at], behind) for unit, at in zip(self.units, self.slices, strict=True)
        }

    def hidden(self) -> Tensors:
        """Everything hidden, before each row of the background: [B, ...]."""
        behind = np.arange(self.background)
        return self.rows(np.zeros((self.background, self.players), bool), behind)


def whole_columns(own: Tensors, background: Tensors, names: Sequence[str]) -> list[Unit]:
    """One player for each of the columns NAMES."""
    return [Whole(name, np.asarray(own[name]), np.asarray(background[name])) for name in names]


def taken(columns: Tensors, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The ROWS of COLUMNS."""
    return {name: np.asarray(values)[rows] for name, values in columns.items()}


def spread(count: int, most: int) -> np.ndarray:
    """At most MOST of COUNT indices, evenly spread."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(int)
