"""What a training step gets: named for what it holds, so that nobody counts positions."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Some rows of a split, on one device.  N = rows, W = classes."""

    tensors: tuple[Tensor, ...]  # each [N, ...], in the order of `signature.inputs`
    target: Tensor  # class index int64 [N] or value float32 [N]; after mixing shares of the classes float32 [N, W]
    rows: Tensor  # int64 [N]: which rows of the split these are; the key of every stream of chance

    @property
    def size(self) -> int:
        """Rows; `len` would count the fields."""
        return self.rows.shape[0]
