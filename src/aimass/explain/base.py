"""The contract of an explainer: one row and a background in, shares of the answer that add up out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from aimass.core.part import Part
from aimass.core.signature import Signature
from aimass.engines.base import Predictor, Tensors

DIGITS = 7  # of a number in an answer: what float32 knows


@dataclass(frozen=True)
class Budget:
    """How long the model may be asked, and how many rows; whichever ends first.

    What begins before the end is finished: one call, kept short.  CLOCK gives seconds.
    """

    seconds: float = 0.1
    evaluations: int = 20_000
    clock: Callable[[], float] = time.perf_counter


@dataclass(frozen=True)
class Share:
    """What a column adds to the answer; ERROR is half of a 95 % interval, None where too little was asked to know."""

    name: str
    value: Any  # as a caller sends it; None for images and texts, which the caller has
    attribution: float
    error: float | None

    def as_json(self) -> dict[str, Any]:
        told = {"name": self.name, "value": self.value}
        return {**told, "attribution": short(self.attribution), "error": short(self.error)}


@dataclass(frozen=True)
class Token:
    """A word, or several that were not told apart, at BEGIN..END of the raw text."""

    begin: int
    end: int
    text: str
    attribution: float
    error: float | None

    def as_json(self) -> dict[str, Any]:
        told = {"begin": self.begin, "end": self.end, "text": self.text}
        return {**told, "attribution": short(self.attribution), "error": short(self.error)}


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels that was hidden and shown as a whole."""

    top: int
    left: int
    height: int
    width: int
    attribution: float
    error: float | None

    def as_json(self) -> dict[str, Any]:
        told = {"top": self.top, "left": self.left, "height": self.height, "width": self.width}
        return {**told, "attribution": short(self.attribution), "error": short(self.error)}


@dataclass(frozen=True)
class Explanation:
    """Why the model gave its answer to one row: base value and attributions add up to the prediction.

    `prediction` is the probability of the class `target`, or the value.  `base_value` is what the model answers when
    everything is hidden, in the mean over `background_rows` rows.
    """

    target: str
    prediction: float
    base_value: float
    attributions: tuple[Share, ...]  # one a raw column, in the signature's order
    method: str  # what was really done
    evaluations: int  # rows the model was asked about
    background_rows: int
    elapsed: float  # seconds
    regions: dict[str, tuple[Region, ...]] = field(default_factory=dict)  # by image column
    tokens: dict[str, tuple[Token, ...]] = field(default_factory=dict)  # by text column, in reading order
    warnings: tuple[str, ...] = ()

    @property
    def completeness_error(self) -> float:
        """|base + sum of attributions - prediction|, in units of the prediction."""
        return abs(self.base_value + sum(share.attribution for share in self.attributions) - self.prediction)

    def pixels(self, column: str) -> np.ndarray:
        """The attribution of each pixel of an image COLUMN, float64 [H, W]: a region's share, spread evenly on it."""
        regions = self.regions[column]
        height = max(region.top + region.height for region in regions)
        grid = np.zeros((height, max(region.left + region.width for region in regions)))
        for r in regions:
            grid[r.top : r.top + r.height, r.left : r.left + r.width] = r.attribution / (r.height * r.width)
        return grid

    def as_json(self, top_k: int | None = None, *, pixels: bool = False) -> dict[str, Any]:
        """The largest TOP_K attributions first; what is left out is summed as `others`, so that it still adds up."""
        ranked = sorted(self.attributions, key=lambda share: -abs(share.attribution))
        shown = ranked[:top_k]
        told: dict[str, Any] = {
            "prediction": short(self.prediction),
            "target": self.target,
            "base_value": short(self.base_value),
            "attributions": [share.as_json() for share in shown],
            "others": short(sum(share.attribution for share in ranked[len(shown) :])),
            "completeness_error": short(self.completeness_error),
            "method": self.method,
            "evaluations": self.evaluations,
            "background_rows": self.background_rows,
            "elapsed_ms": round(1000 * self.elapsed, 3),
            "warnings": list(self.warnings),
        }
        if self.tokens:
            told["tokens"] = {name: _json(tokens) for name, tokens in self.tokens.items()}
        if self.regions:
            told["regions"] = {name: _json(regions) for name, regions in self.regions.items()}
            if pixels:
                told["pixels"] = {name: _grid(self.pixels(name)) for name in self.regions}
        return told


def _json(parts: Sequence[Token] | Sequence[Region]) -> list[dict[str, Any]]:
    return [part.as_json() for part in parts]


def _grid(values: np.ndarray) -> list[list[float | None]]:
    return [[short(value) for value in row] for row in values.tolist()]


def short(value: float | None) -> float | None:
    """VALUE with as many digits as the model's numbers have."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


class Explainer(Part):
    """Says why a model gave its answer."""

    family: ClassVar[str] = "explainer"

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
        """Why PREDICT answers as it does to the one row COLUMNS ([1, ...] by name), against BACKGROUND ([B, ...]).

        TARGET is a class, the predicted one when empty.  The same SEED gives the same answer as long as the clock does
        not end it.  Raises InputError for columns that are not the signature's, a class the model does not know, a
        signature this explainer cannot explain, and answers that are no number.
        """
        raise NotImplementedError
