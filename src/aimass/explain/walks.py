"""Shapley values by walks: players are shown one after the other, in a random order and in its reverse.

Each walk's gains add up to the answer less the answer before its row of the background, so every estimate adds up
exactly, however few walks there were.  An order and its reverse cancel what two players do together: models of
columns and pairs of columns are exact after one walk pair for each row of the background (Castro et al. 2009,
doi 10.1016/j.cor.2008.04.004; Mitchell et al. 2022, arXiv 2104.12199, section 3.3 on antithetic orders).
B = rows of the background, P = players, T = totals (columns)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from aimass.explain.asked import CALL, Asked
from aimass.explain.game import Game
from aimass.explain.tally import Tally

Orders = Callable[[np.random.Generator], np.ndarray]  # all players, in one random order
LEAST = 8  # pairs before the precision is looked at
LAST = 64  # rows asked about even when no evaluation is left: an answer that adds up needs one walk pair
MOMENT, LEAST_ROWS = 0.002, 16  # seconds' worth of rows, and so many at least, when no time is left


@dataclass(frozen=True)
class Estimate:
    """Shares of players and of totals, and half their 95 % intervals (NaN where nothing is known)."""

    shares: np.ndarray  # [P]
    errors: np.ndarray  # [P]
    totals: np.ndarray  # [T]
    total_errors: np.ndarray  # [T]
    base: float  # mean over the rows of the background that were used
    used: int  # of them
    pairs: int
    stops: bool = False  # players shared steps of walks, and their gains evenly


@dataclass(frozen=True)
class Pair:
    """A walk before row BEHIND of the background, and the same backwards.

    ORDER are the players that change something there, STEPS when each of them enters: 0, 1, ..., never falling; players
    that share a step share its gain.
    """

    behind: int
    order: np.ndarray
    steps: np.ndarray

    @property
    def inner(self) -> int:
        """Steps of one direction that are asked about: all but the last, which is the row itself."""
        return int(self.steps[-1]) if len(self.steps) else 0

    def shown(self, players: int) -> np.ndarray:
        """bool [2 * inner, P]: after each step but the last, forwards and then backwards."""
        forwards, backwards = np.full(players, players), np.full(players, players)
        forwards[self.order], backwards[self.order] = self.steps, self.inner - self.steps
        after = np.arange(self.inner)[:, None]
        return np.concatenate([forwards <= after, backwards <= after])

    def gains(self, values: np.ndarray, first: float, last: float, players: int) -> np.ndarray:
        """float64 [P]: what each player added, in the mean over both directions."""
        found = np.zeros(players)
        if len(self.order):
            there, back = (np.diff(np.concatenate([[first], half, [last]])) for half in np.split(values, [self.inner]))
            together = np.bincount(self.steps)[self.steps]
            found[self.order] = (there[self.steps] + back[self.inner - self.steps]) / (2 * together)
        return found


def walk(
    game: Game,
    asked: Asked,
    hidden: np.ndarray,
    orders: Orders,
    totals: np.ndarray,
    random: np.random.Generator,
    *,
    precision: float,
    share: float = 1.0,
) -> Estimate:
    """Walk pairs until every figure is known to PRECISION (a share of the largest), or a SHARE of the room is used.

    HIDDEN [B] are the answers with everything hidden; TOTALS [P, T] sums players to what is told about.  One pair is
    walked whatever is left, within LAST rows or a MOMENT.
    """
    tally = Tally(game.background, game.players + totals.shape[1])
    made = _pairs(game, hidden, orders, random)
    turn = game.background * -(-LEAST // game.background)  # pairs between two looks at the precision
    cost = 2 * max(0, int(game.differs.sum(axis=1).max()) - 1)
    kept = asked.room * (1 - share)
    while True:
        done = int(tally.count.sum())
        within = int((asked.room - kept) // cost) if cost else turn
        fitting = max(within, min(2 - done, asked.room // cost)) if cost else turn  # two pairs say how sure they are
        if not done and fitting < 1:
            stops = _last(game, asked, hidden, made, tally, totals, cost)
            return _estimate(tally, game, hidden, stops)
        size = min(fitting, turn - done % turn, max(1, asked.call_rows // max(1, cost)))
        if size < 1 or (done and done % turn == 0 and _known(tally, asked.prediction - hidden, precision)):
            return _estimate(tally, game, hidden, False)
        _take(game, asked, hidden, list(islice(made, size)), tally, totals)


def _known(tally: Tally, gaps: np.ndarray, precision: float) -> bool:
    """Whether more pairs would tell nothing worth knowing; orders must have been compared to know."""
    if tally.count.min() < 2:
        return False
    return bool(
        tally.errors(len(tally.count)).max() <= precision * max(np.abs(tally.shares).max(), np.abs(gaps).mean())
    )


def _pairs(game: Game, hidden: np.ndarray, orders: Orders, random: np.random.Generator) -> Iterator[Pair]:
    """Pairs without end: each row of the background in its turn."""
    while True:
        for behind in turns(hidden):
            order = orders(random)
            order = order[game.differs[behind][order]]
            yield Pair(behind, order, np.arange(len(order)))


def turns(hidden: np.ndarray) -> list[int]:
    """Rows of the background in an order of which every beginning has answers HIDDEN [B] like the whole."""
    return [int(row) for row in np.argsort(hidden, kind="stable")[_far_apart(len(hidden))]]


def _far_apart(count: int) -> np.ndarray:
    """0..COUNT-1, every beginning of it evenly spread (van der Corput 1935)."""
    bits = max(1, int(count - 1).bit_length())
    turned = [int(f"{i:0{bits}b}"[::-1], 2) for i in range(2**bits)]
    return np.array([i for i in turned if i < count])


def _last(
    game: Game, asked: Asked, hidden: np.ndarray, made: Iterator[Pair], tally: Tally, totals: np.ndarray, cost: int
) -> bool:
    """The least that adds up: as many pairs as a moment has room for, or one whose steps players share.  Whether so."""
    rows = max(asked.room, LAST)
    if asked.budget.seconds - asked.elapsed < MOMENT:
        rows = max(LEAST_ROWS, min(CALL, int(MOMENT / asked.pace))) if asked.pace > 0 else CALL
    if cost <= rows:
        _take(game, asked, hidden, list(islice(made, min(rows // max(1, cost), game.background))), tally, totals)
        return False
    pair = next(made)
    several = max(1, rows // 2) + 1
    steps = np.arange(len(pair.order)) * several // max(several, len(pair.order))
    _take(game, asked, hidden, [Pair(pair.behind, pair.order, steps)], tally, totals)
    return len(pair.order) > several


def _take(game: Game, asked: Asked, hidden: np.ndarray, pairs: list[Pair], tally: Tally, totals: np.ndarray) -> None:
    """Ask about the steps of PAIRS at once, and add what players gained to TALLY."""
    shown = np.concatenate([pair.shown(game.players) for pair in pairs])
    behind = np.repeat([pair.behind for pair in pairs], [2 * pair.inner for pair in pairs])
    values = asked(game.rows(shown, behind)) if len(behind) else np.zeros(0)
    ends = np.cumsum([2 * pair.inner for pair in pairs])
    for pair, found in zip(pairs, np.split(values, ends[:-1]), strict=True):
        gains = pair.gains(found, float(hidden[pair.behind]), asked.prediction, game.players)
        tally.add(pair.behind, np.concatenate([gains, gains @ totals]))


def _estimate(tally: Tally, game: Game, hidden: np.ndarray, stops: bool) -> Estimate:
    shares, errors, used = tally.shares, tally.errors(game.population), tally.count > 0
    if stops:  # evenly shared gains hide how players differ
        errors = np.full(len(errors), np.nan)
    players = game.players
    return Estimate(
        shares[:players], errors[:players], shares[players:], errors[players:],
        float(hidden[used].mean()), int(used.sum()), int(tally.count.sum()), stops,
    )  # fmt: skip
