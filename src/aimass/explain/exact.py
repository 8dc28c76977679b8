"""Shapley values by their definition: every set of players is shown once, before each row of the background.

B = rows of the background, P = players, T = totals
"""

from __future__ import annotations

from math import comb

import numpy as np

from aimass.explain.asked import Asked
from aimass.explain.game import Game
from aimass.explain.tally import Tally
from aimass.explain.walks import Estimate, turns


def cost(game: Game) -> int:
    """Rows to ask about; players that change nothing before a row are left out there."""
    counts = np.minimum(game.differs.sum(axis=1), 40).astype(np.int64)
    return int((2**counts - 2).clip(min=0).sum())


def exact(game: Game, asked: Asked, hidden: np.ndarray, totals: np.ndarray) -> Estimate | None:
    """The values themselves, before as many rows of the background as there was room for; None before none."""
    tally = Tally(game.background, game.players + totals.shape[1])
    for behind in turns(hidden):
        active = np.flatnonzero(game.differs[behind])
        if 2 ** len(active) - 2 > asked.room:
            break
        gains = np.zeros(game.players)
        gains[active] = _shares(_values(game, asked, active, behind, float(hidden[behind])))
        tally.add(behind, np.concatenate([gains, gains @ totals]))
    used = tally.count > 0
    if not used.any():
        return None
    shares, errors = tally.shares, tally.errors(game.population, exact=True)
    at = game.players
    return Estimate(shares[:at], errors[:at], shares[at:], errors[at:], float(hidden[used].mean()), int(used.sum()), 0)


def _values(game: Game, asked: Asked, active: np.ndarray, behind: int, base: float) -> np.ndarray:
    """float64 [2**n]: the answer to each set of the ACTIVE players, numbered by its bits."""
    sets = np.arange(1, 2 ** len(active) - 1)
    shown = np.zeros((len(sets), game.players), bool)
    shown[:, active] = sets[:, None] >> np.arange(len(active)) & 1
    if not len(active):
        return np.array([asked.prediction])
    inner = asked(game.rows(shown, np.full(len(sets), behind))) if len(sets) else np.zeros(0)
    return np.concatenate([[base], inner, [asked.prediction]])


def _shares(values: np.ndarray) -> np.ndarray:
    """float64 [n] from the answers to all 2**n sets (Shapley 1953, equation 12)."""
    count = len(values).bit_length() - 1
    sets = np.arange(len(values))
    size = (sets[:, None] >> np.arange(max(1, count)) & 1).sum(axis=1)
    found = np.zeros(count)
    for player in range(count):
        without = sets[(sets >> player & 1) == 0]
        weight = np.array([1 / (count * comb(count - 1, k)) for k in range(count)])[size[without]]
        found[player] = (weight * (values[without | 1 << player] - values[without])).sum()
    return found
