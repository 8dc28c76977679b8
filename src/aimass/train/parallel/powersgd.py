"""PowerSGD (Vogels, Karimireddy and Jaggi 2019, arXiv 1905.13727): gradients as products of two thin matrices.

torch has a hook of this name.  It keeps its memory by number of bucket, but torch fills its buckets anew after the
first step, so a resumed run would add one weight's error to another's; here it is kept by weight.  It also waits for
further collectives in gloo's own threads, of which there are few and whose order differs from rank to rank.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor
from torch.futures import Future

from aimass.train.parallel.comm import Hook
from aimass.train.rng import stream

if TYPE_CHECKING:
    from torch._C._distributed_c10d import GradBucket

LOW_RANK = 4
DENSE_STEPS = 100  # gradients are rough at first; whole ones then
WORTH = 2  # a matrix that does not get shorter by this factor goes whole


class PowerSGD(Hook):
    """A matrix M [n, m] of gradients goes as P [n, r] and Q [m, r]: one step of power iteration from the last Q.

    What P Q^T leaves out stays in this rank's error and is added to the next gradient.  Vectors and small matrices go
    whole, with the Ps.  The first DENSE_STEPS steps send everything whole.  NAMES are those of the weights, by id.
    """

    def __init__(
        self,
        world: int,
        device: torch.device,
        names: Mapping[int, str],
        low_rank: int = LOW_RANK,
        dense_steps: int = DENSE_STEPS,
    ) -> None:
        self.world, self.names, self.low_rank, self.dense_steps = world, names, low_rank, dense_steps
        self.step = 0
        self.q: dict[str, Tensor] = {}  # [m, r] by weight
        self.error: dict[str, Tensor] = {}  # [n, m] by weight
        # Two collectives in a row for a bucket.  On gloo they wait in a thread of their own, in the order of the
        # buckets, in a group of their own; NCCL queues them on the device.
        self.group = dist.new_group(backend="gloo") if device.type == "cpu" else None
        self.thread = ThreadPoolExecutor(1) if self.group else None

    def __call__(self, bucket: GradBucket) -> Future[Tensor]:
        buffer = bucket.buffer()
        future: Future[Tensor] = Future(devices=[buffer.device] if buffer.is_cuda else None)
        gradients = {
            self.names[id(weight)]: g for weight, g in zip(bucket.parameters(), bucket.gradients(), strict=True)
        }
        dense, last = self.step < self.dense_steps, bucket.is_last()

        def work() -> None:
            try:
                if dense:
                    self._sum(buffer).div_(self.world)
                else:
                    self._exchange(gradients)
                future.set_result(buffer)
            except Exception as error:  # it is the backward pass that must hear of it
                future.set_exception(error)  # type: ignore[arg-type]  # says torch's stub

        if last:
            self.step += 1
        if self.thread:
            self.thread.submit(work)
        else:
            work()
        return future

    def _exchange(self, gradients: dict[str, Tensor]) -> None:
        """Put the low-rank mean over the ranks in the place of GRADIENTS."""
        thin = {name: g.view(len(g), -1) for name, g in gradients.items() if self._is_worth(g)}
        whole = [g for name, g in gradients.items() if name not in thin]
        for name, matrix in thin.items():
            self._prepare(name, matrix)
            matrix.add_(self.error[name])
        sums = self._sum_all([matrix @ self.q[name] for name, matrix in thin.items()] + whole)
        ps = dict(zip(thin, (torch.linalg.qr(p).Q for p in sums), strict=False))
        for gradient, summed in zip(whole, sums[len(thin) :], strict=True):
            gradient.copy_(summed).div_(self.world)
        qs = self._sum_all([matrix.T @ ps[name] for name, matrix in thin.items()])
        for (name, matrix), q in zip(thin.items(), qs, strict=True):
            self._settle(name, matrix, ps[name], q.div_(self.world))

    def _settle(self, name: str, matrix: Tensor, p: Tensor, q: Tensor) -> None:
        """MATRIX becomes P Q^T, and the error what that leaves out; what is not finite is not remembered."""
        shown = p @ q.T
        good = torch.isfinite(q).all()
        self.error[name] = torch.where(good, matrix - shown, self.error[name])
        self.q[name] = torch.where(good, q, self.q[name])
        matrix.copy_(shown)

    def _prepare(self, name: str, matrix: Tensor) -> None:
        if name not in self.q:
            chance = torch.Generator().manual_seed(stream("powersgd", name))  # the same on every rank
            first = torch.randn(matrix.shape[1], self._rank_of(matrix), generator=chance)
            self.q[name] = first.to(matrix)
        if name not in self.error:
            self.error[name] = torch.zeros_like(matrix)

    def _rank_of(self, matrix: Tensor) -> int:
        return min(self.low_rank, len(matrix), matrix.shape[1])

    def _is_worth(self, gradient: Tensor) -> bool:
        if gradient.ndim < 2:
            return False
        n, m = len(gradient), gradient[0].numel()
        return WORTH * (n + m) * min(self.low_rank, n, m) < n * m

    def _sum_all(self, parts: list[Tensor]) -> list[Tensor]:
        """PARTS summed over the ranks, in one collective."""
        if not parts:
            return []
        flat = self._sum(torch.cat([part.reshape(-1) for part in parts]))
        pieces = torch.split(flat, [part.numel() for part in parts])
        return [piece.view(part.shape) for piece, part in zip(pieces, parts, strict=True)]

    def _sum(self, values: Tensor) -> Tensor:
        self.sent += values.nbytes
        dist.all_reduce(values, group=self.group)
        return values

    def state(self) -> dict[str, Tensor]:
        return {"step": torch.tensor(self.step), **{f"q.{name}": q for name, q in self.q.items()}}

    def mine(self) -> dict[str, Tensor]:
        return {f"error.{name}": error for name, error in self.error.items()}

    def load(self, state: Mapping[str, Tensor], mine: Mapping[str, Tensor]) -> None:
        if "step" in state:
            self.step = int(state["step"])
            self.q = {name[2:]: value.clone() for name, value in state.items() if name.startswith("q.")}
            self.error = {name[6:]: value.clone() for name, value in mine.items() if name.startswith("error.")}
