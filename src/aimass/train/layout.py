"""How weights lie in memory: as a plan wants while it trains, before and after that as whoever gave the module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn


@contextmanager
def layout_kept(module: nn.Module) -> Iterator[None]:
    """Behind, the weights and buffers of MODULE have the strides they had before, and the values they got inside."""
    tensors = list(chain(module.parameters(), module.buffers()))
    strides = [tensor.stride() for tensor in tensors]
    try:
        yield
    finally:
        for tensor, stride in zip(tensors, strides, strict=True):
            if tensor.stride() != stride:
                laid = torch.empty_strided(tensor.shape, stride, dtype=tensor.dtype, device=tensor.device)
                tensor.data = laid.copy_(tensor.detach())
