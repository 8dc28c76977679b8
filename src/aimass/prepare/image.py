"""Images: pixels centred and scaled a channel, channels first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pyarrow as pa

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Field
from aimass.prepare.affine import Affine
from aimass.prepare.arrays import pixels
from aimass.prepare.base import Column, Fitted, Preparer

if TYPE_CHECKING:
    from aimass.prepare.graph import Builder

CHUNK = 1024


class Image(Preparer):
    """(pixel - offset) / spread of each channel over the training images."""

    revision: ClassVar[int] = 2

    scaling: Literal["mean-variance", "min-max"] = knob(
        "mean-variance", help="mean and standard deviation, or smallest value and range, of each channel"
    )

    def fit(self, column: Column, values: pa.ChunkedArray) -> Fitted:
        """Offset and spread a channel, from whole numbers: the same in any order."""
        if column.type != "image":
            raise InputError(f"column {column.name} holds {column.type}, not images", expected="a column of images",
                             todo='collect it with use = "images"')  # fmt: skip
        if values.null_count:
            raise InputError(f"{values.null_count} images of column {column.name} are missing",
                             expected="an image in every row", todo="filter them in a sql transform")  # fmt: skip
        parts = (
            pixels(values[begin : begin + CHUNK], column.shape, column.name).reshape(-1, column.shape[2])
            for begin in range(0, len(values), CHUNK)
        )
        scaled = _mean_variance if self.scaling == "mean-variance" else _min_max
        offset, spread = scaled(parts, column.shape[2])
        field = Field(column.name, "uint8", column.shape, kind="image", sent="image")
        return Fitted(field, {"offset": offset.tolist(), "spread": [s or 1.0 for s in spread.tolist()]})

    @classmethod
    def compile(cls, fitted: Sequence[Fitted], build: Builder) -> None:
        """uint8 [N, H, W, C] -> float32 [N, C, H, W] a column"""
        for column in fitted:
            height, width, channels = column.field.shape
            affine = _affine(column)
            centred = build.op("Sub", build.op("Cast", column.field.name, to=1), build.const(affine.offset, np.float32))
            scaled = build.op("Mul", centred, build.const(affine.scale, np.float32))
            first = build.op("Transpose", scaled, perm=[0, 3, 1, 2])
            build.image(column.field.name, first, (channels, height, width))

    @classmethod
    def as_bytes(cls, fitted: Sequence[Fitted]) -> dict[str, tuple[str, Affine]]:
        """All of them: x.image.NAME is the pixels of NAME, centred and scaled."""
        return {f"x.image.{column.field.name}": (column.field.name, _affine(column)) for column in fitted}


def _mean_variance(parts: Iterable[np.ndarray], channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column of PARTS (uint8 [P, C])."""
    count, total, squares = 0, np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    for part in parts:
        whole = part.astype(np.int64)
        count, total, squares = count + len(part), total + whole.sum(0), squares + (whole * whole).sum(0)
    mean = total / max(1, count)
    return mean, np.sqrt(np.maximum(squares / max(1, count) - mean * mean, 0.0))


def _min_max(parts: Iterable[np.ndarray], channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest value and range of each column of PARTS (uint8 [P, C])."""
    low, high = np.full(channels, 255.0), np.zeros(channels)
    for part in parts:
        low, high = np.minimum(low, part.min(0)), np.maximum(high, part.max(0))
    return (low, high - low) if (high >= low).all() else (np.zeros(channels), np.ones(channels))


def _affine(column: Fitted) -> Affine:
    """(pixel - offset) * (1 / spread), its constants as float32 has them."""
    offset, spread = (np.array(column.constants[k], np.float32) for k in ("offset", "spread"))
    return Affine(tuple(offset.tolist()), tuple((np.float32(1) / spread).tolist()))
