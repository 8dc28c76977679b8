"""Hooks: what ranks send each other instead of whole float32 gradients.

A hook gets a bucket of gradients as soon as the backward pass has filled it, and puts the mean over the ranks in its
place.  Shorter gradients pay where the wire is what a step waits for, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor
from torch.futures import Future

if TYPE_CHECKING:
    from torch._C._distributed_c10d import GradBucket

WIRE = {"fp16": torch.float16, "bf16": torch.bfloat16}  # hooks that round
LARGEST = 65504.0  # that float16 can hold
HEADROOM = 64.0  # so many times the last step's largest gradient still fits: next to none is cut
SMALLEST, WIDEST = 2.0**-60, 2.0**60  # scales
RAISE = 2.0**16  # of the scale, when everything vanished


def exchange(hook, bucket):  # type: ignore[no-untyped-def]  # torch reads the annotations and knows no strings
    """What torch calls: HOOK with a BUCKET."""
    return hook(bucket)


class Hook:
    """Bytes a rank has handed to collectives are in `sent`; its state, if any, by name."""

    sent = 0

    def __call__(self, bucket: GradBucket) -> Future[Tensor]:
        """The bucket's buffer with the mean over the ranks, when it is there."""
        raise NotImplementedError

    def state(self) -> dict[str, Tensor]:
        """Tensors that a resumed run goes on from, the same on every rank."""
        return {}

    def mine(self) -> dict[str, Tensor]:
        """Tensors that are this rank's own."""
        return {}

    def load(self, state: Mapping[str, Tensor], mine: Mapping[str, Tensor]) -> None:
        """Go on from `state` and `mine`."""


class Half(Hook):
    """Gradients as KIND, float16 or bfloat16, on the wire: half the bytes, rounded.

    bf16 has the range of float32 and 8 bits of precision.  (torch's own hook asks for NCCL.)

    fp16 has 11 bits and a narrow range.  The scale guard multiplies by a power of two that puts the largest gradient of
    the last step `HEADROOM` below the largest float16, so that small ones do not vanish; the same on every rank, as it
    comes from what all of them received.  What is larger all the same is cut off there, so a sum of finite gradients is
    finite; one that is not finite stays so, for the step to be skipped.
    """

    def __init__(self, kind: torch.dtype, world: int, device: torch.device) -> None:
        self.type, self.world = kind, world
        self.guarded = kind == torch.float16
        self.scale = torch.ones((), device=device)
        self.peak = torch.full((), torch.nan, device=device)  # of the last step's gradients, after their exchange

    def __call__(self, bucket: GradBucket) -> Future[Tensor]:
        buffer = bucket.buffer()
        if self.guarded and bucket.index() == 0:
            self._adapt()
        short = self._shorten(buffer)
        self.sent += short.nbytes
        future: Future[list[Tensor]] = dist.all_reduce(short, async_op=True).get_future()

        def widen(done: Future[list[Tensor]]) -> Tensor:
            buffer.copy_(done.value()[0])
            if self.guarded:
                buffer.div_(self.scale)
                torch.maximum(self.peak, largest(buffer), out=self.peak)
            return buffer

        return future.then(widen)

    def _shorten(self, buffer: Tensor) -> Tensor:
        if not self.guarded:
            return buffer.to(self.type).div_(self.world)
        limit = LARGEST / self.world
        short = buffer.mul(self.scale / self.world).clamp_(-limit, limit).to(self.type)
        short[0] += (largest(buffer) * 0).to(self.type)  # NaN, for all ranks, where something here is not finite
        return short

    def _adapt(self) -> None:
        """The scale for this step from the peak of the last one; after a bad step it stays."""
        wanted = torch.exp2(torch.floor(torch.log2(LARGEST / HEADROOM / self.peak)))
        wanted = torch.where(self.peak > 0, wanted, self.scale * RAISE).clamp_(SMALLEST, WIDEST)
        self.scale = torch.where(torch.isfinite(self.peak), wanted, self.scale)
        self.peak = torch.zeros_like(self.peak)

    def state(self) -> dict[str, Tensor]:
        return {"scale": self.scale, "peak": self.peak} if self.guarded else {}

    def load(self, state: Mapping[str, Tensor], mine: Mapping[str, Tensor]) -> None:
        if self.guarded and "scale" in state:
            self.scale, self.peak = (state[name].to(self.scale.device) for name in ("scale", "peak"))


def largest(values: Tensor) -> Tensor:
    """Largest absolute VALUE, a scalar on its device; not finite where one of them is not."""
    low, high = torch.aminmax(values)  # one pass; `abs().amax()` takes 20 times as long on a processor
    return torch.maximum(-low, high)


def wire_bytes(handed: float, world: int) -> float:
    """Bytes a rank sends over the wire for HANDED ones: 2 (n - 1) / n of them in a ring (Patarasuk and Yuan 2009)."""
    return 2 * (world - 1) / world * handed
