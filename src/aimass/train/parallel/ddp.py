"""Copies of a network on several ranks, by torch's DistributedDataParallel (Li et al. 2020, arXiv 2006.15704)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from aimass.core.errors import pick
from aimass.train.names import named_weights
from aimass.train.parallel.base import Placement
from aimass.train.parallel.comm import WIRE, Half, Hook, exchange
from aimass.train.parallel.powersgd import PowerSGD
from aimass.train.parallel.shared import SMALL, Shared, Whole

# MiB of gradients that travel together, while the backward pass computes the next ones.  torch's 25 are for GPUs: at
# 100 Mbit a network of 10 M weights hid nothing of its exchange with them, and with 4 half to four fifths.
BUCKET = {"cpu": 4.0, "cuda": 25.0}


class DataParallel(Placement):
    """The process group must be there (`group.placed`).

    BUCKET is in MiB, 0: by the device.  Whole numbers go through what is SHARED, if anything is, and shorter ones
    through sockets.  HOOK_OPTIONS are those of PowerSGD: low_rank, dense_steps.

    Running statistics of batch norm are a rank's own while it trains, since nothing reads them then; torch would
    send them before every step.  Other buffers are rank 0's in every step.
    """

    def __init__(
        self, device: torch.device, *, bucket: float = 0.0, shared: Shared | None = None, **hook_options: Any
    ) -> None:
        self.rank, self.world, self.device = dist.get_rank(), dist.get_world_size(), device
        self.bucket, self.shared, self.hook_options = bucket or BUCKET[device.type], shared, hook_options
        self.hook: Hook | None = None
        self.network: DistributedDataParallel | None = None

    def wrap(self, module: nn.Module, hook: str = "none") -> nn.Module:
        names = {id(weight): name for name, weight in named_weights(module).items()}
        network = DistributedDataParallel(module, bucket_cap_mb=self.bucket, gradient_as_bucket_view=True)
        network.broadcast_buffers = has_other_buffers(module)  # from now on; the first ones were rank 0's
        self.network, self.hook = network, self._hook(hook, names)
        if self.hook:
            network.register_comm_hook(self.hook, exchange)
        return network

    def _hook(self, name: str, names: Mapping[int, str]) -> Hook | None:
        """None: torch's own exchange of whole gradients, which needs no hook."""
        if name == "none":
            return Whole(self.shared) if self.shared else None
        if name == "powersgd":
            return PowerSGD(self.world, self.device, names, **self.hook_options)
        return Half(pick("hook", name, WIRE), self.world, self.device)

    def again(self) -> DataParallel:
        return DataParallel(self.device, bucket=self.bucket, shared=self.shared, **self.hook_options)

    def leave(self) -> None:
        """Forget the network: it holds the process group."""
        self.network = self.hook = self.shared = None

    def sync_context(self, last: bool) -> AbstractContextManager[None]:
        assert self.network is not None, "wrap comes first"
        return nullcontext() if last else self.network.no_sync()

    def reduce(self, values: Tensor) -> Tensor:
        total = values.detach().clone(memory_format=torch.contiguous_format)
        if self.shared and total.nbytes > SMALL and total.device.type == "cpu":
            self.shared.add_up(total.view(-1))
        else:
            dist.all_reduce(total)
        return total

    def gather_state(self, *, whole: bool = True) -> dict[str, Tensor]:
        if self.network is not None:
            broadcast(self.network.module.buffers())
        if not (whole and self.hook):
            return {}
        found = {f"hook.{name}": value for name, value in self.hook.state().items()}
        for name, value in self.hook.mine().items():
            parts = [torch.empty_like(value) for _ in range(self.world)] if self.rank == 0 else None
            dist.gather(value, parts)
            found |= {f"hook.mine.{rank}.{name}": part for rank, part in enumerate(parts or [])}
        return {} if self.rank else found

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        if self.hook is None:
            return
        hook = {key.removeprefix("hook."): value for key, value in tensors.items() if key.startswith("hook.")}
        state = {name: value.to(self.device) for name, value in hook.items() if not name.startswith("mine.")}
        own: dict[str, dict[int, Tensor]] = {}
        for key in hook.keys() - state.keys():
            _, rank, name = key.split(".", 2)
            own.setdefault(name, {})[int(rank)] = hook[key].to(self.device)
        self.hook.load(state, {name: self._share_of(parts) for name, parts in own.items()})

    def _share_of(self, parts: dict[int, Tensor]) -> Tensor:
        """What this rank kept; with another number of ranks the mean, since only the mean of errors is ever sent."""
        if len(parts) == self.world:
            return parts[self.rank]
        return torch.stack([parts[rank] for rank in sorted(parts)]).mean(dim=0)


@torch.no_grad()
def broadcast(tensors: Iterable[Tensor]) -> None:
    """Make TENSORS, of whatever types, those of rank 0; in one message of bytes."""
    # Wide types first: then each begins where its type may.
    ordered = sorted(tensors, key=lambda tensor: -tensor.element_size())
    if not ordered:
        return
    message = torch.cat([tensor.reshape(-1).view(torch.uint8) for tensor in ordered])
    dist.broadcast(message, 0)
    parts = torch.split(message, [tensor.nbytes for tensor in ordered])
    for tensor, part in zip(ordered, parts, strict=True):
        tensor.copy_(part.view(tensor.dtype).view(tensor.shape))


def has_other_buffers(module: nn.Module) -> bool:
    """Whether MODULE keeps anything beside batch norm's running statistics: it may enter the next step."""
    return any(
        True for part in module.modules() if not isinstance(part, _BatchNorm) for _ in part.buffers(recurse=False)
    )
