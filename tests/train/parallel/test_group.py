"""Joining and leaving a process group."""

from __future__ import annotations

import gc
import weakref

import torch
import torch.distributed as dist
from torch import nn

from aimass.train.parallel.ddp import DataParallel


def test_a_placement_that_was_left_holds_no_network(tmp_path) -> None:  # type: ignore[no-untyped-def]
    dist.init_process_group("gloo", store=dist.FileStore(str(tmp_path / "store"), 1), rank=0, world_size=1)
    try:
        placement = DataParallel(torch.device("cpu"))
        network = weakref.ref(placement.wrap(nn.Linear(2, 2), "powersgd"))
        gc.collect()
        assert network() is not None
        placement.leave()
        gc.collect()
        assert network() is None
    finally:
        dist.destroy_process_group()
