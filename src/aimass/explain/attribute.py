"""One road for all explainers: which columns are whole and which fall into pieces is all they differ in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.core.signature import Signature
from aimass.engines.base import Predictor, Tensors
from aimass.explain.asked import Asked, check_columns
from aimass.explain.base import Budget, Explainer, Explanation, Region, Share, Token
from aimass.explain.divide import Divided, Found, Job, coarse_to_fine
from aimass.explain.game import spread, taken, whole_columns
from aimass.explain.pictures import Picture, fallback_of
from aimass.explain.sent import sent
from aimass.explain.texts import Text

AT_ONCE = 4  # a single row takes longer than its share of a call of many: so many times at least
FEW = 8  # rows of the background, however little time there is
MIXED = 16  # rows of the background at most where columns fall into pieces: each level goes through all of them


@dataclass(frozen=True)
class How:
    """What an explainer decides."""

    method: str
    pieces: Collection[str] = ()  # columns that are told apart further
    background: int = 64
    exact: int = 10
    precision: float = 0.01
    words: int = 24
    grid: int = 4
    fallback: str = "auto"


class Attributing(Explainer):
    """An explainer that takes this road."""

    def how(self, signature: Signature) -> How:
        """What it decides for SIGNATURE.  Raises InputError for one that it cannot explain."""
        raise NotImplementedError

    def explain(
        self,
        predict: Predictor,
        columns: Tensors,
        signature: Signature,
        background: Tensors,
        *,
        target: str = "",
        budget: Budget = Budget(),
        seed: int = 0,
    ) -> Explanation:
        how = self.how(signature)
        check_columns(background, signature.rows, "the background", least=1)
        asked = Asked(predict, columns, signature, target, budget)
        whole = [field.name for field in signature.rows if field.name not in how.pieces]
        given = len(next(iter(background.values()), []))
        behind = taken(background, spread(given, _rows(how, asked, len(whole))))
        divided, said = _divided(how, asked, behind, signature)
        rows = len(behind[whole[0]]) if whole else 1
        stood = rows if divided else min(given, how.background)
        job = Job(whole_columns(asked.own, behind, whole), divided, rows, stood, asked, np.random.default_rng(seed),
                  how.precision, how.exact)  # fmt: skip
        found = coarse_to_fine(job)
        method = ", ".join([f"{how.method}: {found.method}", *said])
        return _explanation(asked, job, found, method, _warnings(asked, job, found, given))


def _rows(how: How, asked: Asked, players: int) -> int:
    """Rows of the background: as many as there is likely to be time for one walk pair before each of them."""
    if how.pieces:
        return min(how.background, MIXED)
    fitting = AT_ONCE * asked.room // max(1, 2 * (players - 1))
    return min(how.background, max(FEW, fitting))


def _divided(
    how: How, asked: Asked, background: dict[str, np.ndarray], signature: Signature
) -> tuple[list[Divided], list[str]]:
    """The columns in pieces, and what is seen in the place of pieces that are hidden."""
    made: list[Divided] = []
    said = []
    for field in signature.rows:
        if field.name not in how.pieces:
            continue
        own = asked.own[field.name][0]
        if field.dtype == "uint8":
            fallback, called = fallback_of(field.name, how.fallback, asked, background)
            made.append(Picture(field.name, own, fallback, how.grid))
            said.append(f"{field.name} behind {called}")
        else:
            made.append(Text.of(field.name, str(own), how.words))
            said.append(f"{field.name} without its words")
    return made, said


def _warnings(asked: Asked, job: Job, found: Found, given: int) -> tuple[str, ...]:
    told = []
    if found.stops:
        told.append("the budget ended before each column or piece was shown alone: their shares are those of groups")
    elif np.isnan(found.errors).any() and asked.evaluations > 2:
        told.append("the budget ended after one walk: how sure the attributions are is not known")
    if job.wholes and found.used < job.population:
        told.append(f"the budget had room for {found.used} of {job.population} rows of the background")
    if job.wholes and given == 1:
        told.append("the background is one row: attributions say how this row differs from that one")
    if job.wholes and given > 1 and not any(unit.differs().any() for unit in job.wholes) and not job.divided:
        told.append("every row of the background equals the row that is explained: nothing can be hidden")
    off = abs(asked.prediction - found.base - float(found.totals.sum()))
    if off > 0.01 * max(abs(asked.prediction), abs(found.base), 1e-9):
        told.append(f"the attributions do not add up by {off:.3g}: the model answers the same row in different ways")
    return tuple(told)


def _explanation(asked: Asked, job: Job, found: Found, method: str, warnings: tuple[str, ...]) -> Explanation:
    names = [unit.column for unit in job.wholes] + [each.column for each in job.divided]
    place = {name: at for at, name in enumerate(names)}
    shares = []
    for field in asked.signature.rows:
        at = place[field.name]
        value = None if field.kind in ("text", "image") else sent(asked.own[field.name][0], field)
        shares.append(Share(field.name, value, float(found.totals[at]), _known(found.errors[at])))
    return Explanation(
        target=asked.target.name,
        prediction=asked.prediction,
        base_value=found.base,
        attributions=tuple(shares),
        method=method,
        evaluations=asked.evaluations,
        background_rows=found.used,
        elapsed=asked.elapsed,
        regions={
            each.column: tuple(_region(leaf) for leaf in found.leaves(at))
            for at, each in enumerate(job.divided) if isinstance(each, Picture)
        },
        tokens={
            each.column: tuple(_token(each, leaf) for leaf in found.leaves(at))
            for at, each in enumerate(job.divided) if isinstance(each, Text)
        },
        warnings=warnings,
    )  # fmt: skip


def _region(leaf: Any) -> Region:
    box = leaf.piece
    return Region(box.top, box.left, box.height, box.width, leaf.share, _known(leaf.error))


def _token(text: Text, leaf: Any) -> Token:
    begin, end = text.span(leaf.piece)
    return Token(begin, end, text.text[begin:end], leaf.share, _known(leaf.error))


def _known(error: float) -> float | None:
    return None if np.isnan(error) else float(error)
