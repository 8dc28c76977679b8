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

from aimass.explain.asked import Asked
from aimass.explain.game import Game
from aimass.measure.intervals import student

Orders = Callable[[np.random.Generator], np.ndarray]  # all players, in one random order
LEAST = 8  # pairs before the precision is looked at
RARE = 3  # pairs' worth of doubt: the rule of three
LAST = 64  # rows asked about even when the budget is spent: an answer that adds up needs one walk pair


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
    """A walk before row BEHIND of the background, and the same backwards."""

    behind: int
    groups: list[np.ndarray]  # players, in the order in which they are shown

    def shown(self, players: int) -> np.ndarray:
        """bool [2 * (groups - 1), P]: after each step but the last, forwards and then backwards."""
        return np.concatenate([_steps(self.groups, players), _steps(self.groups[::-1], players)])

    def gains(self, values: np.ndarray, first: float, last: float, players: int) -> np.ndarray:
        """float64 [P]: what each player added, in the mean over both directions."""
        found, half = np.zeros(players), len(self.groups) - 1
        for groups, inner in ((self.groups, values[:half]), (self.groups[::-1], values[half:])):
            for group, gain in zip(groups, np.diff(np.concatenate([[first], inner, [last]])), strict=True):
                found[group] += gain / (2 * len(group))
        return found


def _steps(groups: list[np.ndarray], players: int) -> np.ndarray:
    shown = np.zeros((len(groups) - 1, players), bool)
    for step, group in enumerate(groups[:-1]):
        shown[step:, group] = True
    return shown


class Tally:
    """Means and spreads of gains, apart for each row of the background (Welford 1962)."""

    def __init__(self, background: int, width: int) -> None:
        self.count = np.zeros(background, int)
        self.mean = np.zeros((background, width))
        self.squares = np.zeros((background, width))

    def add(self, behind: int, gains: np.ndarray) -> None:
        self.count[behind] += 1
        off = gains - self.mean[behind]
        self.mean[behind] += off / self.count[behind]
        self.squares[behind] += off * (gains - self.mean[behind])

    @property
    def shares(self) -> np.ndarray:
        return np.asarray(self.mean[self.count > 0].mean(axis=0))

    @property
    def errors(self) -> np.ndarray:
        """Half of a 95 % interval about the mean over the whole background; NaN from a single pair.

        Once every row had its turn, only orders are left to chance, and their spread is seen where a row had two.
        Before that the rows of the background count as chance, too: on the safe side.
        """
        used = self.count > 0
        count, rows = self.count[used], int(used.sum())
        if used.all() and count.min() > 1:
            parts = self.squares[used] / ((count - 1) * count)[:, None] / rows**2
            variance = parts.sum(axis=0)
            # Welch and Satterthwaite 1946: rows of the background differ in how much orders matter before them
            with np.errstate(invalid="ignore"):
                freedom = np.nan_to_num(variance**2 / (parts**2 / (count - 1)[:, None]).sum(axis=0), nan=1e9)
        elif rows > 1:
            variance, freedom = self.mean[used].var(axis=0, ddof=1) / rows, np.full(self.mean.shape[1], rows - 1)
        else:
            return np.full(self.mean.shape[1], np.nan)
        # What is rare may not have been seen yet: no figure is surer than this beside the least sure one.
        variance = np.maximum(variance, variance.max() * RARE / count.sum())
        quantiles = np.array([student(max(1, int(f))) for f in freedom])
        return np.asarray(quantiles * np.sqrt(variance))


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
    walked whatever is left, within LAST rows.
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
            stops = _last(game, asked, hidden, made, tally, totals, max(asked.room, LAST))
            return _estimate(tally, game.players, hidden, stops)
        size = min(fitting, turn - done % turn, max(1, asked.call_rows // max(1, cost)))
        if size < 1 or (done and done % turn == 0 and _known(tally, asked.prediction - hidden, precision)):
            return _estimate(tally, game.players, hidden, False)
        _take(game, asked, hidden, list(islice(made, size)), tally, totals)


def _known(tally: Tally, gaps: np.ndarray, precision: float) -> bool:
    """Whether more pairs would tell nothing worth knowing; orders must have been compared to know."""
    if tally.count.min() < 2:
        return False
    return bool(tally.errors.max() <= precision * max(np.abs(tally.shares).max(), np.abs(gaps).mean()))


def _pairs(game: Game, hidden: np.ndarray, orders: Orders, random: np.random.Generator) -> Iterator[Pair]:
    """Pairs without end: each row of the background in its turn."""
    while True:
        for behind in turns(hidden):
            order = orders(random)
            yield Pair(behind, [np.array([player]) for player in order if game.differs[behind, player]])


def turns(hidden: np.ndarray) -> list[int]:
    """Rows of the background in an order of which every beginning has answers HIDDEN [B] like the whole."""
    return [int(row) for row in np.argsort(hidden, kind="stable")[_far_apart(len(hidden))]]


def _far_apart(count: int) -> np.ndarray:
    """0..COUNT-1, every beginning of it evenly spread (van der Corput 1935)."""
    bits = max(1, int(count - 1).bit_length())
    turned = [int(f"{i:0{bits}b}"[::-1], 2) for i in range(2**bits)]
    return np.array([i for i in turned if i < count])


def _last(
    game: Game, asked: Asked, hidden: np.ndarray, made: Iterator[Pair], tally: Tally, totals: np.ndarray, rows: int
) -> bool:
    """One more pair within ROWS: where it does not fit, players share its steps.  Whether they do."""
    pair = next(made)
    steps = max(1, rows // 2)
    shared = len(pair.groups) - 1 > steps
    if shared:
        pair = Pair(pair.behind, np.array_split(np.concatenate(pair.groups), steps + 1))
    _take(game, asked, hidden, [pair], tally, totals)
    return shared


def _take(game: Game, asked: Asked, hidden: np.ndarray, pairs: list[Pair], tally: Tally, totals: np.ndarray) -> None:
    """Ask about the steps of PAIRS at once, and add what players gained to TALLY."""
    shown = [pair.shown(game.players) if pair.groups else np.zeros((0, game.players), bool) for pair in pairs]
    behind = np.repeat([pair.behind for pair in pairs], [len(steps) for steps in shown])
    values = asked(game.rows(np.concatenate(shown), behind)) if len(behind) else np.zeros(0)
    ends = np.cumsum([len(steps) for steps in shown])
    for pair, found in zip(pairs, np.split(values, ends[:-1]), strict=True):
        gains = np.zeros(game.players)
        if pair.groups:
            gains = pair.gains(found, float(hidden[pair.behind]), asked.prediction, game.players)
        tally.add(pair.behind, np.concatenate([gains, gains @ totals]))


def _estimate(tally: Tally, players: int, hidden: np.ndarray, stops: bool) -> Estimate:
    shares, errors, used = tally.shares, tally.errors, tally.count > 0
    if stops:  # evenly shared gains hide how players differ
        errors = np.full(len(errors), np.nan)
    return Estimate(
        shares[:players], errors[:players], shares[players:], errors[players:],
        float(hidden[used].mean()), int(used.sum()), int(tally.count.sum()), stops,
    )  # fmt: skip
