"""Ranks of one machine add up numbers in memory that all of them see, instead of sending them through sockets.

A reduce-scatter and an all-gather (Rabenseifner 2004): each rank adds up its part of what all handed over, always in
the order of the ranks, and every rank reads the same bits.
"""

from __future__ import annotations

import mmap
import os
import secrets
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor
from torch.futures import Future

from aimass.runner.gang import Rank
from aimass.train.parallel.comm import Hook

if TYPE_CHECKING:
    from torch._C._distributed_c10d import GradBucket

SLOT = 1 << 22  # bytes that a rank hands over at once
TURNS = 2  # a rank that is ahead fills the other half: one that is behind may still read this one
NAME = "aimass-gradients"
SMALL = 1 << 16  # bytes: less goes through a socket as fast


class Shared:
    """MEMORY of `TURNS` x WORLD slots.  All ranks call `add_up` alike, in the same order, from one thread each."""

    def __init__(self, memory: Tensor, rank: int, world: int) -> None:
        self.slots, self.rank, self.world = memory.view(TURNS, world, SLOT), rank, world
        self.turn = 0
        self.here = torch.zeros(1)

    def add_up(self, values: Tensor, scale: float = 1) -> None:
        """Put SCALE times the sum over the ranks in the place of VALUES [n], of any type, on the processor."""
        for piece in torch.split(values, SLOT // values.element_size()):
            self._add_up(piece, scale)

    def _add_up(self, piece: Tensor, scale: float) -> None:
        self.turn = 1 - self.turn
        slots = self.slots[self.turn].view(piece.dtype)[:, : len(piece)]
        torch.mul(piece, scale, out=slots[self.rank])
        self._meet()
        if self.world == 2:  # nothing to divide: each reads what it must read anyway
            torch.add(slots[0], slots[1], out=piece)
            return
        parts = slots.tensor_split(self.world, dim=1)
        mine = parts[self.rank]
        total = mine[0].clone()
        for other in mine[1:]:  # `sum` has another order where a row ends: bits would depend on a weight's place
            total.add_(other)
        mine[self.rank] = total  # nobody else reads this part before the next meeting
        self._meet()
        for rank, (part, place) in enumerate(zip(parts, piece.tensor_split(self.world), strict=True)):
            place.copy_(part[rank])

    def _meet(self) -> None:
        """Until all ranks are here.  Through the process group: a rank that died is an error, not a wait."""
        dist.all_reduce(self.here)


class Whole(Hook):
    """Gradients as they are, through what the ranks SHARE."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    def __call__(self, bucket: GradBucket) -> Future[Tensor]:
        buffer = bucket.buffer()
        self.shared.add_up(buffer, 1 / self.shared.world)
        future: Future[Tensor] = Future()
        future.set_result(buffer)
        return future


def shared_by(rank: Rank) -> Shared | None:
    """What RANK shares with all others, who call this too; None where some are on another machine or cannot see it.

    The memory has no name: it is found through the first rank's open files, and gone with the last who maps it.
    """
    if rank.peers != rank.world:
        return None
    size, token = TURNS * rank.world * SLOT, secrets.token_bytes(8)
    made = _made(size, token) if rank.rank == 0 else -1
    try:
        word = torch.tensor([os.getpid(), made, int.from_bytes(token, "little", signed=True)])
        dist.broadcast(word, 0)
        process, number, told = word.tolist()
        memory = _mapped(process, number, told, size)
        seen = torch.tensor(memory is not None, dtype=torch.uint8)
        dist.all_reduce(seen, dist.ReduceOp.MIN)
    finally:
        if made >= 0:
            os.close(made)
    return Shared(memory, rank.rank, rank.world) if memory is not None and seen else None


def _made(size: int, token: bytes) -> int:
    """A descriptor of so many bytes that begin with TOKEN; -1 where the system has none to give."""
    if not hasattr(os, "memfd_create"):
        return -1
    try:
        made = os.memfd_create(NAME)
    except OSError:  # the system forbids it
        return -1
    try:
        os.posix_fallocate(made, 0, size)  # what is missing is known now, and no signal later
        os.pwrite(made, token, 0)
    except OSError:
        os.close(made)
        return -1
    return made


def _mapped(process: int, made: int, token: int, size: int) -> Tensor | None:
    """Those bytes of PROCESS; None where this rank cannot see them, or sees others: numbers repeat between machines."""
    if made < 0:
        return None
    path = f"/proc/{process}/fd/{made}"
    try:
        if not os.readlink(path).startswith(f"/memfd:{NAME}"):  # noqa: PTH115  # opening may have effects
            return None
        file = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        memory = mmap.mmap(file, size)
    except (OSError, ValueError):  # not so long, or nothing that can be mapped
        return None
    finally:
        os.close(file)
    found = torch.frombuffer(memory, dtype=torch.uint8)
    return found if int.from_bytes(memory[:8], "little", signed=True) == token else None
