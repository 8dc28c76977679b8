"""Less memory for more time: activations are computed anew in the backward pass (Chen et al. 2016, 1604.06174)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from aimass.core.errors import InputError


def recompute_blocks(module: nn.Module) -> int:
    """Let every block of MODULE forget its activations until they are needed; in place.  Returns how many blocks.

    Blocks are the members of sequences and module lists that hold weights; nested ones count as one.
    Raises InputError when there is none.
    """
    blocks = list(_blocks(module))
    if not blocks:
        raise InputError("the network has no blocks to compute again", key="recompute",
                         expected="members of a Sequential or a ModuleList", todo="leave recompute out")  # fmt: skip
    for block in blocks:
        block.forward = partial(_forgetful, block, block.forward)
    return len(blocks)


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    inside = isinstance(module, (nn.Sequential, nn.ModuleList))
    for child in module.children():
        if inside and any(True for _ in child.parameters()):
            yield child
        else:
            yield from _blocks(child)


def _forgetful(block: nn.Module, forward: Any, *args: Any) -> Any:
    if not block.training:
        return forward(*args)
    return checkpoint(forward, *args, use_reentrant=False, context_fn=partial(_contexts, block))


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """For the first pass and for the second."""
    return nullcontext(), _statistics_held(block)


@contextmanager
def _statistics_held(block: nn.Module) -> Iterator[None]:
    """The second pass over the same rows must not count twice in the running statistics of batch norms."""
    norms = [norm for norm in block.modules() if isinstance(norm, _BatchNorm)]
    live = [dict(norm._buffers) for norm in norms]
    for norm, buffers in zip(norms, live, strict=True):
        norm._buffers.update({name: value if value is None else value.clone() for name, value in buffers.items()})
    try:
        yield
    finally:
        for norm, buffers in zip(norms, live, strict=True):
            norm._buffers.update(buffers)


def remember_blocks(module: nn.Module) -> None:
    """Undo `recompute_blocks`; in place."""
    for child in module.modules():
        vars(child).pop("forward", None)
