"""From coarse to fine: columns that fall into pieces are explained in pieces, the weightiest ones in smaller pieces.

Pieces of a column enter a walk one after the other (Owen 1977: a coalition structure), so that a piece's share is the
sum of the shares of what it falls into, on every level, and each level's walks make the coarser shares surer, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from aimass.explain.asked import Asked
from aimass.explain.exact import cost, exact
from aimass.explain.game import Game, Unit
from aimass.explain.walks import Estimate, walk

COARSE, ROUGH = 0.25, 0.1  # of the room, and of the largest share: enough to know what to split
PAIRS = 3  # walk pairs that a finer level must have room for
WEIGHT = 0.8  # of all shares: the pieces that hold so much are split
MOST = 256  # pieces


class Divided(Protocol):
    """A column that falls into pieces."""

    @property
    def column(self) -> str: ...

    def pieces(self) -> list[Any]:
        """The first, coarse ones."""
        ...

    def split(self, piece: Any) -> list[Any]:
        """Finer ones in its place; none when it cannot be split."""
        ...

    def unit(self, pieces: Sequence[Any], rows: int) -> Unit:
        """A player for each of PIECES, before ROWS rows of the background."""
        ...


@dataclass(eq=False)
class Node:
    """A piece, its share, and the pieces it was split into."""

    piece: Any
    share: float = 0.0
    error: float = np.nan
    inside: list[Node] = field(default_factory=list)

    def leaves(self) -> Iterator[Node]:
        if not self.inside:
            yield self
        for node in self.inside:
            yield from node.leaves()


@dataclass
class Found:
    """Shares of whole columns and of pieces, all of them summing up to the answer less `base`."""

    totals: np.ndarray  # a column: the whole ones, then the divided ones
    errors: np.ndarray
    trees: list[list[Node]]  # of each divided column
    base: float
    used: int  # rows of the background
    method: str
    levels: int = 1
    pairs: int = 0
    stops: bool = False

    def leaves(self, at: int) -> list[Node]:
        return [leaf for node in self.trees[at] for leaf in node.leaves()]


@dataclass(frozen=True)
class Job:
    """What is asked of a row: columns as they are, columns in pieces, before BACKGROUND rows."""

    wholes: Sequence[Unit]
    divided: Sequence[Divided]
    background: int
    population: int  # rows that those of the background stand for
    asked: Asked
    random: np.random.Generator
    precision: float
    exact: int  # players up to which all sets are asked about


def coarse_to_fine(job: Job) -> Found:
    """The shares of JOB's columns and pieces, as fine as the budget allows."""
    trees = [[Node(piece) for piece in each.pieces()] for each in job.divided]
    game = _game(job, trees)
    hidden = job.asked(game.hidden())
    flat = not job.divided or (len(job.divided) == 1 and not job.wholes)
    small = flat and game.differs.sum(axis=1).max(initial=0) <= job.exact and cost(game) <= job.asked.room
    first = exact(game, job.asked, hidden, _totals(game)) if small else None
    method = "all sets" if first else "walks"
    estimate = first or _walk(job, trees, game, hidden, last=not _finer(job, trees))
    found = Found(estimate.totals, estimate.total_errors, trees, estimate.base, estimate.used, method,
                  pairs=estimate.pairs, stops=estimate.stops)  # fmt: skip
    _keep(found, estimate, len(job.wholes))
    if job.divided and not first and estimate.used == job.background and not estimate.stops:
        _refine(job, found, hidden)
    return found


def _refine(job: Job, found: Found, hidden: np.ndarray) -> None:
    """Split what weighs most while there is room; what room is left then makes the finest shares surer."""
    last = not _finer(job, found.trees)
    while not last:
        split = _split(job, found)
        last = not split
        game = _game(job, found.trees)
        if last and asked_for(game, job) > job.asked.room:
            return
        estimate = _walk(job, found.trees, game, hidden, last=last)
        if estimate.used < job.background or estimate.stops or estimate.pairs < 2:  # the clock was faster
            for node in split:
                node.inside = []
            return
        _merge(found, estimate, split, len(job.wholes))


def asked_for(game: Game, job: Job) -> int:
    """Rows to ask about for two walk pairs before each row of the background."""
    return 4 * job.background * max(0, game.players - 1)


def _game(job: Job, trees: list[list[Node]]) -> Game:
    units = [
        each.unit([leaf.piece for node in tree for leaf in node.leaves()], job.background)
        for each, tree in zip(job.divided, trees, strict=True)
    ]
    return Game((*job.wholes, *units), job.background, job.population)


def _totals(game: Game) -> np.ndarray:
    """[P, T]: which players make up a column."""
    totals = np.zeros((game.players, len(game.units)))
    for column, at in enumerate(game.slices):
        totals[at, column] = 1
    return totals


def _walk(job: Job, trees: list[list[Node]], game: Game, hidden: np.ndarray, *, last: bool) -> Estimate:
    """LAST: no finer level follows, so all the room may be used and precision matters."""
    number = len(job.wholes)
    nested: list[Any] = list(range(number))
    for tree in trees:
        place = {leaf: number + i for i, leaf in enumerate(leaf for node in tree for leaf in node.leaves())}
        number += len(place)
        nested.append([_nested(node, place) for node in tree])

    def orders(random: np.random.Generator) -> np.ndarray:
        return np.array(list(_shuffled(nested, random)), int)

    share, precision = (1.0, job.precision) if last else (COARSE, max(job.precision, ROUGH))
    return walk(game, job.asked, hidden, orders, _totals(game), job.random, precision=precision, share=share)


def _nested(node: Node, place: dict[Node, int]) -> Any:
    return [_nested(inner, place) for inner in node.inside] if node.inside else place[node]


def _shuffled(items: list[Any], random: np.random.Generator) -> Iterator[int]:
    """All players of ITEMS in a random order that keeps what lies inside each together."""
    for at in random.permutation(len(items)):
        item = items[at]
        if isinstance(item, list):
            yield from _shuffled(item, random)
        else:
            yield item


def _finer(job: Job, trees: list[list[Node]]) -> bool:
    return any(
        each.split(leaf.piece)
        for each, tree in zip(job.divided, trees, strict=True) for node in tree for leaf in node.leaves()
    )  # fmt: skip


def _split(job: Job, found: Found) -> list[Node]:
    """Split the weightiest leaves, as many as there is room for; those that were split."""
    leaves = [(leaf, each) for at, each in enumerate(job.divided) for leaf in found.leaves(at)]
    heavy = sorted(leaves, key=lambda pair: -abs(pair[0].share))
    whole = sum(abs(leaf.share) for leaf, _ in leaves)
    room = job.asked.room / max(PAIRS, job.background) / 2 - len(leaves) - len(job.wholes)
    split, held, more = [], 0.0, 0
    for leaf, each in heavy:
        pieces = each.split(leaf.piece)
        if held >= WEIGHT * whole or more + len(pieces) > room or len(leaves) + more + len(pieces) > MOST:
            break
        held += abs(leaf.share)
        if pieces:
            leaf.inside = [Node(piece) for piece in pieces]
            split.append(leaf)
            more += len(pieces)
    return split


def _keep(found: Found, estimate: Estimate, at: int) -> None:
    for tree in range(len(found.trees)):
        for leaf in found.leaves(tree):
            leaf.share, leaf.error = float(estimate.shares[at]), float(estimate.errors[at])
            at += 1


def _merge(found: Found, estimate: Estimate, split: list[Node], at: int) -> None:
    """Both levels' walks together, by their number; a piece's shares are moved to sum up to its own."""
    mine, whole = found.pairs, found.pairs + estimate.pairs

    def both(old: Any, new: Any) -> Any:
        return (mine * old + estimate.pairs * new) / whole

    fresh = {leaf for node in split for leaf in node.inside}
    leaves = [leaf for tree in range(len(found.trees)) for leaf in found.leaves(tree)]
    before = [(leaf, leaf.share, leaf.error) for leaf in leaves if leaf not in fresh]
    _keep(found, estimate, at)
    for leaf, share, error in before:
        leaf.share = both(share, leaf.share)
        leaf.error = float(np.hypot(mine * error, estimate.pairs * leaf.error) / whole)
    for node in split:
        now = sum(leaf.share for leaf in node.inside)
        node.share = both(node.share, now)
        size = sum(abs(leaf.share) for leaf in node.inside)
        for leaf in node.inside:  # by size: what has no share gets none
            leaf.share += (node.share - now) * (abs(leaf.share) / size if size else 1 / len(node.inside))
    found.totals = both(found.totals, estimate.totals)
    found.errors = np.hypot(mine * found.errors, estimate.pairs * estimate.total_errors) / whole
    found.pairs, found.levels = whole, found.levels + 1
