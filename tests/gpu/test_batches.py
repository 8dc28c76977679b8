"""Batches on a CUDA device: the bits of the graph, and a host that never waits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from aimass.train.feed import batches
from aimass.train.order import order
from aimass.train.source import Source
from tests.train.test_source import HOST, images


@pytest.mark.parametrize("tier", ["device", *HOST])
def test_a_batch_on_a_device_has_the_bits_of_the_graph(tier: str) -> None:
    split, expected = images(300)
    rows = torch.randperm(300)
    batch = Source(split, tier, torch.device("cuda")).fetch(rows)
    assert batch.tensors[0].is_cuda and batch.target.is_cuda and batch.rows.is_cuda
    assert batch.tensors[0].cpu().numpy().tobytes() == expected[rows].tobytes()


@pytest.mark.parametrize("tier", ["device", "memory", "mapped"])
@pytest.mark.parametrize("prefetch", [False, True])
def test_batches_on_a_device_are_those_of_the_host_and_the_host_never_waits(tier: str, prefetch: bool) -> None:
    split, expected = images(5000)
    source, turn = Source(split, tier, torch.device("cuda")), order(0, 0, 5000)
    found: list[Tensor] = []
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in batches(source, turn, 60, prefetch=prefetch, chunk=2**14):
            found.append(batch.tensors[0])
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.cat(found).cpu().numpy().tobytes() == expected[turn[:]].tobytes()
