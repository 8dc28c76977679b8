"""Images: pixels centred and scaled a channel, channels first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.prepare.affine import Affine
from aimass.prepare.arrays import pixels
from aimass.prepare.base import Column, Fitted, Preparer

if TYPE_CHECKING:
    from aimass.prepare.graph import Builder

CHUNK = 1024


class Image(Preparer):
    """(pixel - mean) / std of each channel over the training images."""

    def fit(self, column: Column, values: pa.ChunkedArray) -> Fitted:
        """Mean and standard deviation a channel, from whole-number sums: the same in any order."""
        if column.type != "image":
            raise InputError(f"column {column.name} holds {column.type}, not images", expected="a column of images",
                             todo='collect it with use = "images"')  # fmt: skip
        if values.null_count:
            raise InputError(f"{values.null_count} images of column {column.name} are missing",
                             expected="an image in every row", todo="filter them in a sql transform")  # fmt: skip
        height, width, channels = column.shape
        total, squares = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
        for begin in range(0, len(values), CHUNK):
            part = pixels(values[begin : begin + CHUNK], column.shape, column.name).astype(np.int64)
            total += part.sum(axis=(0, 1, 2))
            squares += (part * part).sum(axis=(0, 1, 2))
        count = max(1, len(values) * height * width)
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean * mean, 0.0))
        field = Field(column.name, "uint8", column.shape, kind="image", sent="image")
        return Fitted(field, {"mean": mean.tolist(), "std": [s or 1.0 for s in std.tolist()]})

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


def _affine(column: Fitted) -> Affine:
    """(pixel - mean) * (1 / std), its constants as float32 has them."""
    mean, std = (np.array(column.constants[k], np.float32) for k in ("mean", "std"))
    return Affine(tuple(mean.tolist()), tuple((np.float32(1) / std).tolist()))
