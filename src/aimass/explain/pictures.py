"""An image in pieces: rectangles of pixels, and the image that is seen where they are hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from aimass.explain.asked import Asked
from aimass.explain.game import Regions, taken

COMPARED = 8  # images of the background that say what an ordinary answer is


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Picture:
    """The column COLUMN of a row: its pixels, and those of the FALLBACK image.  uint8 [H, W, C]"""

    column: str
    own: np.ndarray
    fallback: np.ndarray
    grid: int  # boxes along a side at first

    def pieces(self) -> list[Box]:
        return cut(Box(0, 0, *self.own.shape[:2]), self.grid)

    def split(self, piece: Box) -> list[Box]:
        return cut(piece, 2) if piece.height * piece.width > 1 else []

    def unit(self, pieces: Sequence[Box], rows: int) -> Regions:
        labels = np.zeros(self.own.shape[:2], int)
        for player, box in enumerate(pieces):
            labels[box.top : box.top + box.height, box.left : box.left + box.width] = player
        return Regions(self.column, self.own, self.fallback, labels, len(pieces), rows)


def cut(box: Box, count: int) -> list[Box]:
    """BOX in COUNT x COUNT boxes, as alike as can be; fewer where it has fewer pixels."""

    def cuts(begin: int, size: int) -> list[tuple[int, int]]:
        edges = [begin + size * i // count for i in range(count + 1)]
        return [(low, high - low) for low, high in pairwise(edges) if high > low]

    return [
        Box(top, left, height, width)
        for top, height in cuts(box.top, box.height) for left, width in cuts(box.left, box.width)
    ]  # fmt: skip


def blurred(image: np.ndarray) -> np.ndarray:
    """IMAGE [H, W, C] so out of focus that only its colours are left."""
    from PIL import Image, ImageFilter

    radius = ImageFilter.GaussianBlur(max(image.shape[:2]) / 6)
    channels = [np.asarray(Image.fromarray(np.ascontiguousarray(c)).filter(radius)) for c in np.moveaxis(image, 2, 0)]
    return np.stack(channels, axis=2)


def fallback_of(name: str, how: str, asked: Asked, background: dict[str, np.ndarray]) -> tuple[np.ndarray, str]:
    """The image seen where column NAME is hidden, and what it is called.

    HOW "auto" takes whichever answers most like the images of the BACKGROUND do: the one that says least.
    """
    own, others = asked.own[name][0], background[name]
    mean = others.mean(axis=0).round().astype(np.uint8)
    made = {"blur": blurred(own), "mean": mean, "black": np.zeros_like(own)}
    if how == "auto" and asked.room < 2 * COMPARED:
        how = "blur"  # no room to compare
    if how != "auto":
        return made[how], how
    names = list(made) if len(others) >= COMPARED else ["blur", "black"]
    names = [each for each in names if (made[each] != own).any()] or ["black"]
    compared = others[np.linspace(0, len(others) - 1, min(COMPARED, len(others))).round().astype(int)]
    images = np.stack([*(made[each] for each in names), *compared])
    rows = {**taken(asked.own, np.zeros(len(images), int)), name: images}
    answers = asked(rows)
    ordinary = answers[len(names) :].mean()
    best = names[int(np.argmin(np.abs(answers[: len(names)] - ordinary)))]
    return made[best], best
