"""From a rank to a placement: its device, and the process group it talks through."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from aimass.runner.desk import PATIENCE
from aimass.runner.gang import Rank
from aimass.train.parallel.base import Placement
from aimass.train.parallel.ddp import DataParallel
from aimass.train.parallel.shared import shared_by
from aimass.train.parallel.single import Single


@contextmanager
def placed(rank: Rank, *, device: torch.device | None = None, **options: Any) -> Iterator[Placement]:
    """Where RANK computes; inside, it can talk to the others.  OPTIONS are those of `DataParallel`."""
    device = device or device_of(rank)
    if rank.world == 1:
        yield Single(device)
        return
    mine = join(rank, device)
    placement = DataParallel(device, shared=shared_by(rank) if device.type == "cpu" else None, **options)
    yield placement
    # Whatever held the group must be gone before the interpreter ends: a thread of gloo that is still there then takes
    # the process down (torch 2.13: three of ten plain scripts that end with a DistributedDataParallel in a global).
    placement.leave()
    gc.collect()
    # Not after an error: the others would complain of a closed connection before this rank has told its own.
    if mine:
        dist.destroy_process_group()


def device_of(rank: Rank) -> torch.device:
    """A GPU of its own where every rank of this machine can have one, else the processor."""
    if not torch.cuda.is_available() or torch.cuda.device_count() < rank.peers:
        return torch.device("cpu")
    torch.cuda.set_device(rank.local)
    return torch.device("cuda", rank.local)


def join(rank: Rank, device: torch.device) -> bool:
    """Join RANK to the process group: gloo, and NCCL for tensors on a GPU.  False when it had been joined before."""
    if dist.is_initialized():
        return False
    wait = timedelta(seconds=PATIENCE)
    host, port = rank.host, 0
    if rank.rank:
        host, port = rank.share()
    store = dist.TCPStore(host, port, rank.world, not rank.rank, wait, wait_for_workers=False)  # type: ignore[attr-defined]
    if rank.rank == 0:
        rank.share([host, store.port])
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank.rank, world_size=rank.world, timeout=wait)
    return True
