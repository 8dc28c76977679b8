"""A process that somebody else made a rank: `torchrun`, or a Ray Train loop that calls us."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import torch
import torch.distributed as dist

from aimass.core.step import Context
from aimass.runner.desk import Desk, Line
from aimass.runner.gang import Rank

WORDS = 512  # bytes of the desk's address


@contextmanager
def present(ctx: Context) -> Iterator[Rank | None]:
    """The rank that this process is already, joined to its process group; None when it is none.

    A Ray Train context comes first, then torchrun's variables.  Rank 0 speaks for all of them with its CTX.
    """
    found = of_ray() or of_torchrun(os.environ)
    if found is None:
        yield None
        return
    rank, host = found
    with ExitStack() as stack:
        if not dist.is_initialized():
            dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
            stack.callback(dist.destroy_process_group)
        desk = stack.enter_context(Desk(ctx, rank.world, host)) if rank.rank == 0 else None
        rank.line = Line(_told(desk.address if desk else None), rank.rank)
        yield rank
        dist.barrier()  # rank 0 has the desk


def of_ray() -> tuple[Rank, str] | None:
    """Rank and this machine's address inside a Ray Train loop."""
    if "ray.train" not in sys.modules:
        return None
    import ray
    from ray.train import get_context

    try:
        seat = get_context()
    except RuntimeError:  # Ray is there, but this is no worker of Train
        return None
    rank = Rank(seat.get_world_rank(), seat.get_world_size(), seat.get_local_rank(), seat.get_local_world_size())
    return rank, ray.util.get_node_ip_address()  # type: ignore[no-untyped-call, unused-ignore]


def of_torchrun(variables: Mapping[str, str]) -> tuple[Rank, str] | None:
    """Rank and rank 0's address from torchrun's VARIABLES."""
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR"} <= variables.keys():
        return None
    local, peers = int(variables.get("LOCAL_RANK", "0")), int(variables.get("LOCAL_WORLD_SIZE", "1"))
    return Rank(int(variables["RANK"]), int(variables["WORLD_SIZE"]), local, peers), variables["MASTER_ADDR"]


def _told(address: dict[str, object] | None) -> dict[str, object]:
    """The ADDRESS that rank 0 gives, on every rank."""
    words = torch.zeros(WORDS, dtype=torch.uint8)
    if address:
        text = json.dumps(address).encode()
        words[: len(text)] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
    on = words.to("cuda") if dist.get_backend() == "nccl" else words
    dist.broadcast(on, 0)
    told: dict[str, object] = json.loads(bytes(on.tolist()).rstrip(b"\0"))
    return told
