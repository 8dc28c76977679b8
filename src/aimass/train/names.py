"""Weights by their own names, whatever stands around the module: what is saved by name can be loaded by name."""

from __future__ import annotations

import re

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

COMPILED = "_orig_mod"  # the child under which torch.compile keeps the module
INSIDE = (f"{COMPILED}.", "_checkpoint_wrapped_module.")  # wrappers that may stand around a layer, too


def unwrapped(module: nn.Module) -> nn.Module:
    """MODULE without the data-parallel and compile wrappers around it."""
    while isinstance(module, DistributedDataParallel) or COMPILED in dict(module.named_children()):
        module = module.module if isinstance(module, DistributedDataParallel) else module.get_submodule(COMPILED)
    return module


def named_weights(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters of MODULE by bare name; tied ones once."""
    return {bare(name): weight for name, weight in unwrapped(module).named_parameters()}


def named_buffers(module: nn.Module) -> dict[str, Tensor]:
    """The stored buffers of MODULE by bare name: running statistics and the like."""
    base = unwrapped(module)
    stored = base.state_dict(keep_vars=True)
    return {bare(name): buffer for name, buffer in base.named_buffers() if name in stored}


def printed(module: nn.Module) -> str:
    """What MODULE tells of itself, without addresses: the same in every process."""
    return re.sub(r"\bat 0x[0-9A-Fa-f]+", "", str(module))


def bare(name: str) -> str:
    """NAME of a weight without the wrappers inside of it."""
    for wrapper in INSIDE:
        name = name.replace(wrapper, "")
    return name
