"""Whether an explanation can be believed: it adds up, it depends on the model, and it orders what matters.

P = what attributions are given to: columns, or words and regions where there are any
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from aimass.core.signature import Signature
from aimass.engines.base import Predictor, Tensors
from aimass.explain.asked import Asked
from aimass.explain.base import Budget, Explanation
from aimass.explain.game import Game, Regions, Unit, spread, taken, whole_columns
from aimass.explain.pictures import Box, Picture, blurred
from aimass.explain.texts import Run, Text, words_of

ROWS = 8  # of the background that curves are averaged over
RANDOM = 8  # random orders that an order is compared with


def complete(explanation: Explanation, share: float = 0.01) -> bool:
    """Whether base and attributions add up to the prediction, to a SHARE of it."""
    return explanation.completeness_error <= share * max(abs(explanation.prediction), abs(explanation.base_value))


def figures(explanation: Explanation) -> np.ndarray:
    """All attributions at the finest level, float64 [P]; images as pixels."""
    found: list[float] = []
    for share in explanation.attributions:
        if share.name in explanation.tokens:
            found += [token.attribution for token in explanation.tokens[share.name]]
        elif share.name in explanation.regions:
            found += explanation.pixels(share.name).ravel().tolist()
        else:
            found.append(share.attribution)
    return np.array(found)


def likeness(one: Explanation, other: Explanation) -> float | None:
    """Spearman's correlation of two explanations of one row: did another model have the same reasons?

    Columns are compared, or the pixels of images; None where one of them gives all the same.
    """
    pairs = [(a.attribution, b.attribution) for a, b in zip(one.attributions, other.attributions, strict=True)]
    if len(pairs) == 1 and set(one.regions) == set(other.regions) and one.regions:
        pairs = list(zip(figures(one), figures(other), strict=True))
    ranks = [ranked(_rounded(np.array(side))) for side in zip(*pairs, strict=True)]
    if any(np.ptp(side) == 0 for side in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _rounded(values: np.ndarray) -> np.ndarray:
    """VALUES beside the largest, so that rounding errors about 0 have no rank."""
    largest = np.abs(values).max()
    return values if largest == 0 else np.round(values / largest, 6)


def ranked(values: np.ndarray) -> np.ndarray:
    """Ranks 0, 1, ... of VALUES [N]; equal ones share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count + 1) / 2)[place])


@dataclass(frozen=True)
class Curves:
    """Mean answer while what is most important is shown first, or hidden first (Petsiuk et al. 2018, section 4.3).

    Shown first, the answer should rise at once; hidden first, fall at once.  RANDOM is what random orders come to.
    """

    insertion: float
    deletion: float
    random: float

    @property
    def faithful(self) -> bool:
        """Better than chance both ways."""
        return self.insertion > self.random > self.deletion


def insertion_deletion(
    predict: Predictor,
    columns: Tensors,
    signature: Signature,
    background: Tensors,
    explanation: Explanation,
    *,
    seed: int = 0,
) -> Curves:
    """What showing and hiding in the order of EXPLANATION does to the answer of PREDICT to the row COLUMNS."""
    asked = Asked(predict, columns, signature, explanation.target, Budget(np.inf, 2**31))
    behind = taken(background, spread(len(next(iter(background.values()))), ROWS))
    game, shares = _game(asked, behind, explanation)
    random = np.random.default_rng(seed)
    best = np.argsort(-shares, kind="stable")
    orders = [best, best[::-1], *(random.permutation(len(shares)) for _ in range(RANDOM))]
    means = [_area(game, asked, order) for order in orders]
    return Curves(means[0], means[1], float(np.mean(means[2:])))


def _area(game: Game, asked: Asked, order: np.ndarray) -> float:
    """Mean answer over the steps in which ORDER shows players, and over the background."""
    shown = np.zeros((len(order) + 1, game.players), bool)
    for step, player in enumerate(order):
        shown[step + 1 :, player] = True
    steps, rows = len(shown), game.background
    return float(asked(game.rows(np.repeat(shown, rows, axis=0), np.tile(np.arange(rows), steps))).mean())


def _game(asked: Asked, background: Tensors, explanation: Explanation) -> tuple[Game, np.ndarray]:
    """What the explanation gave shares to, as players."""
    units: list[Unit] = []
    shares: list[float] = []
    rows = len(next(iter(background.values())))
    for share in explanation.attributions:
        own = asked.own[share.name]
        if share.name in explanation.tokens:
            tokens = explanation.tokens[share.name]
            text = Text.of(share.name, str(own[0]), 1)
            units.append(text.unit(_runs(str(own[0]), [token.end for token in tokens]), rows))
            shares += [token.attribution for token in tokens]
        elif share.name in explanation.regions:
            regions = explanation.regions[share.name]
            boxes = [Box(r.top, r.left, r.height, r.width) for r in regions]
            units.append(_regions(share.name, own[0], boxes, rows))
            shares += [region.attribution for region in regions]
        else:
            units += whole_columns(asked.own, background, [share.name])
            shares.append(share.attribution)
    return Game(tuple(units), rows, rows), np.array(shares)


def _runs(text: str, ends: list[int]) -> list[Run]:
    """The words of TEXT in runs that end where tokens END."""
    word_ends = [end for _, end in words_of(text)]
    cuts = [0, *(word_ends.index(end) + 1 for end in ends)]
    return [Run(first, last) for first, last in pairwise(cuts)]


def _regions(name: str, own: np.ndarray, boxes: list[Box], rows: int) -> Regions:
    return Picture(name, own, blurred(own), 1).unit(boxes, rows)
