"""Chance as a pure function of where one is: no generator has to be kept, nothing depends on workers or batches.

Counter-based, after Salmon et al. 2011 ("Parallel random numbers: as easy as 1, 2, 3"): a number is a hash of
(seed, stream, epoch, row, place).  The hash is the finaliser of SplitMix64 (Steele, Lea and Flood 2014), twice.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as int64
FIRST = -4658895280553007687  # 0xBF58476D1CE4E5B9
SECOND = -7723592293110705685  # 0x94D049BB133111EB


def stream(*key: int | str) -> int:
    """A 63-bit seed for the stream of chance named by KEY, say (seed, epoch, step); unlike keys, unlike streams."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Chance:
    """The chance of some ROWS (int64 [N], any device) in an epoch: each row has its own numbers in every stream."""

    def __init__(self, seed: int, epoch: int, rows: Tensor) -> None:
        self.seed, self.epoch, self.rows = seed, epoch, rows

    def uniform(self, name: str, *shape: int) -> Tensor:
        """float32 [N, *SHAPE] in [0, 1), from the stream NAME."""
        return (self._bits(name, shape) >> 40 & 0xFFFFFF).float() * 2.0**-24

    def integers(self, name: str, low: int, high: int, *shape: int) -> Tensor:
        """int64 [N, *SHAPE] in LOW .. HIGH - 1."""
        return (self._bits(name, shape) >> 33 & 0x7FFFFFFF) * (high - low) // 2**31 + low

    def normal(self, name: str, *shape: int) -> Tensor:
        """float32 [N, *SHAPE], mean 0, deviation 1 (Box and Muller 1958)."""
        radius = (-2 * torch.log1p(-self.uniform(f"{name}/radius", *shape))).sqrt()
        return radius * torch.cos(2 * math.pi * self.uniform(f"{name}/angle", *shape))

    def _bits(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """int64 [N, *SHAPE], every bit by chance."""
        key = stream(name, self.seed, self.epoch)
        row = _mixed(self.rows * GOLDEN + key).reshape(-1, *(1,) * len(shape))
        if not shape:
            return _mixed(row + GOLDEN)
        place = torch.arange(1, math.prod(shape) + 1, device=self.rows.device).reshape(shape)
        return _mixed(row + place * GOLDEN)


def _mixed(bits: Tensor) -> Tensor:
    """Each number of BITS (int64) hashed; multiplication wraps round."""
    bits = (bits ^ _shifted(bits, 30)) * FIRST
    bits = (bits ^ _shifted(bits, 27)) * SECOND
    return bits ^ _shifted(bits, 31)


def _shifted(bits: Tensor, by: int) -> Tensor:
    """Logical shift to the right: torch's own keeps the sign."""
    return bits >> by & ((1 << (64 - by)) - 1)
