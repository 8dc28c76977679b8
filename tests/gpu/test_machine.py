"""What the driver tells of a CUDA device that this process works on."""

from __future__ import annotations

import os

import torch

from aimass.runner.machine.gpus import Gpus


def test_a_device_is_told_of_with_what_it_holds_once_it_is_opened() -> None:
    gpus, size = Gpus(), 1 << 28
    block = torch.ones(size, dtype=torch.uint8, device="cuda")
    told = gpus.look([os.getpid()])
    assert len(told) == torch.cuda.device_count() and block.is_cuda
    assert all(0 <= busy <= 100 for busy, _ in told.values())
    assert max(held for _, held in told.values()) > size
