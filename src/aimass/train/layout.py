"""How weights lie in memory: as a plan wants while it trains, before and after that as whoever gave the module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def layout_kept(module: nn.Module) -> Iterator[None]:
    """Behind, the weights and buffers of MODULE have the strides they had before, and the values they got inside."""
    strides = {name: tensor.stride() for name, tensor in _named(module)}
    try:
        yield
    finally:
        for name, tensor in _named(module):  # asked for again: `Module.to` makes new buffers
            if tensor.stride() != (stride := strides.get(name, tensor.stride())):
                laid = torch.empty_strided(tensor.shape, stride, dtype=tensor.dtype, device=tensor.device)
                tensor.data = laid.copy_(tensor.detach())


def _named(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [*module.named_parameters(), *module.named_buffers()]
