"""The batches of an epoch, in their order, as fast as memory allows.

Several batches are gathered at once and handed out as views, each beginning at a multiple of 64 bytes: where a batch
stands in memory depends on its number alone, so a resumed run computes with the same bits.

With `prefetch` one thread gathers ahead, through pinned buffers and a copy stream where the device is CUDA.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from aimass.train.ahead import Gatherer, PinnedGatherer, ahead
from aimass.train.batch import Batch
from aimass.train.losses import MASKED
from aimass.train.order import Order, batch_of, block_of, order, part_of
from aimass.train.plan import Plan
from aimass.train.sample import rows_of_epoch
from aimass.train.source import Source

CHUNK = 2**18  # bytes of decoded rows that are gathered at once; more gains nothing
LONGEST = 64  # batches gathered at once
ALIGNED = 16  # rows: a batch of 4-byte columns begins at a multiple of 64 bytes


class Place(Protocol):
    """Which of how many ranks this is."""

    rank: int
    world: int


@contextmanager
def feed(source: Source, plan: Plan, place: Place, epoch: int, step: int) -> Iterator[Iterator[tuple[Batch, int]]]:
    """The rest of an EPOCH from STEP on: this rank's part of each batch, and the rows that count in the whole batch.

    Left early or by an error, the reader is gone when the block ends.
    """
    turn = turn_of(source, plan, epoch)
    parts = batches(source, turn, plan.steps, step, place.rank, place.world, prefetch=plan.prefetch)
    with closing(parts):
        yield zip(parts, counts(source, turn, plan.steps, step), strict=True)


def turn_of(source: Source, plan: Plan, epoch: int) -> Order:
    """The rows of SOURCE in the order of EPOCH: a pure function of the plan, the sizes and the classes."""
    if plan.sampling == "none":
        return order(plan.seed, epoch, plan.rows, block_of(plan.rows, source.bytes))
    chosen = rows_of_epoch(plan.seed, epoch, source.target().numpy(), plan.sampling)
    return np.asarray(chosen[order(plan.seed, epoch, len(chosen))[:]])


def rows_of_step(source: Source, plan: Plan, epoch: int, step: int) -> np.ndarray:
    """The rows of one step, over all ranks."""
    return batch_of(turn_of(source, plan, epoch), step, plan.steps) % len(source)


def counts(source: Source, turn: Order, steps: int, first: int = 0) -> Iterator[int]:
    """For each batch from step FIRST on: how many of its targets, over all ranks, are not masked."""
    valid = _valid(source.target())
    for step in range(first, steps):
        if valid is None:
            yield len(turn) * (step + 1) // steps - len(turn) * step // steps
        else:
            yield int(valid[batch_of(turn, step, steps) % len(valid)].sum())


def _valid(target: Tensor) -> np.ndarray | None:
    """int64 [N]: places of a row's TARGET that count; None where every row counts as one."""
    if target.is_floating_point() or (target.ndim == 1 and not (target == MASKED).any()):
        return None
    return (target != MASKED).reshape(len(target), -1).sum(1).numpy()


def batches(
    source: Source,
    turn: Order,
    steps: int,
    first: int = 0,
    rank: int = 0,
    world: int = 1,
    *,
    prefetch: bool = False,
    chunk: int = CHUNK,
) -> Generator[Batch, None, None]:
    """RANK's part of each of the STEPS batches in TURN, from step FIRST on.

    CHUNK: bytes that are gathered at once.  Close it where it is not used up: with PREFETCH it has a thread.
    """
    widest = -(-len(turn) // steps)
    widest = -(-widest // world) + ALIGNED  # rows of a part and its filling at most
    together = max(1, min(LONGEST, chunk // (widest * source.row_bytes)))
    starts = range(first // together * together, steps, together)  # from step 0 on, wherever a run begins

    def gathers() -> Iterator[tuple[Tensor, list[int]]]:
        for start in starts:
            some = range(start, min(start + together, steps))
            yield _padded([part_of(batch_of(turn, step, steps), rank, world) for step in some])

    fetch = _ahead if prefetch and source.tier != "device" else _at_once
    skip = first % together
    with closing(fetch(source, gathers(), together * widest)) as fetched:
        for batch, sizes in fetched:
            yield from _views(batch, sizes)[skip:]
            skip = 0


Gathers = Iterator[tuple[Tensor, list[int]]]  # rows, and the sizes of the parts they are made of
Fetched = Generator[tuple[Batch, list[int]], None, None]


def _at_once(source: Source, gathers: Gathers, most: int) -> Fetched:
    for rows, sizes in gathers:
        yield source.fetch(rows), sizes


def _ahead(source: Source, gathers: Gathers, most: int) -> Fetched:
    """The same by a thread; MOST rows at once."""
    gatherer = PinnedGatherer(source, most) if source.device.type == "cuda" else Gatherer(source)
    with closing(ahead(lambda job: (gatherer.gather(job[0]), job[1]), gathers)) as found:
        for gathered, sizes in found:
            yield gatherer.batch(gathered), sizes


def _padded(parts: list[np.ndarray]) -> tuple[Tensor, list[int]]:
    """PARTS one behind the other, each filled up so that the next begins aligned; sizes of parts and fillings."""
    if len(parts) == 1:
        return torch.from_numpy(parts[0]), [len(parts[0])]
    pieces, sizes = [], []
    for part in parts:
        filling = -len(part) % ALIGNED
        pieces += [part, part[:1].repeat(filling)]
        sizes += [len(part), filling]
    return torch.from_numpy(np.concatenate(pieces)), sizes


def _views(batch: Batch, sizes: list[int]) -> list[Batch]:
    """The parts of BATCH, fillings left out."""
    if len(sizes) == 1:
        return [batch]
    tensors = [tensor.split_with_sizes(sizes)[::2] for tensor in batch.tensors]
    targets, rows = (tensor.split_with_sizes(sizes)[::2] for tensor in (batch.target, batch.rows))
    return list(map(Batch, zip(*tensors, strict=True), targets, rows))
