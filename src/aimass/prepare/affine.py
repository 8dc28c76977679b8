"""Tensors that lie in the training cache as the bytes they are made of: a quarter of the floats, and as exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np


@dataclass(frozen=True)
class Affine:
    """float32 [N, C, ...] = (bytes - offset) * scale, two float32 constants a channel.

    In this order, rounded to float32 after each step, as the ONNX graph does it: the bits are the same.
    """

    offset: tuple[float, ...]  # [C]
    scale: tuple[float, ...]  # [C]

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """uint8 [N, C, ...] -> float32 of the same shape"""
        offset, scale = (np.array(c, np.float32).reshape(-1, *(1,) * (raw.ndim - 2)) for c in (self.offset, self.scale))
        values = raw.astype(np.float32)
        values -= offset
        values *= scale
        return values

    def as_json(self) -> dict[str, list[float]]:
        return {"offset": list(self.offset), "scale": list(self.scale)}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        return cls(tuple(facts["offset"]), tuple(facts["scale"]))


@dataclass(frozen=True)
class Decoded:
    """What an array of bytes stands for: float32 [N, C, ...], worked out when rows are asked for."""

    raw: np.ndarray  # uint8 [N, C, ...]
    affine: Affine
    dtype = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.raw.shape

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """The values of some ROWS: an index, a slice, an array of indices."""
        some = self.raw[rows]
        return self.affine(some) if some.ndim == self.raw.ndim else self.affine(some[None])[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)
