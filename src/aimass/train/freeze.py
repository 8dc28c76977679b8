"""Weights that stay as they are: frozen by pattern, batch norms with their running statistics too."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Self

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from aimass.core.errors import InputError
from aimass.train.patterns import chosen

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def freeze(module: nn.Module, patterns: Sequence[str]) -> list[str]:
    """Stop the training of the parameters of MODULE that PATTERNS mean; returns their names.

    ["trunk.*"] freezes the trunk, ["!head"] everything but the head.  A batch norm that is frozen whole stays in
    evaluation mode, whatever `module.train()` says, so that its running statistics stay, too.
    Raises InputError when a pattern means nothing, or when nothing would be left to train.
    """
    weights = dict(module.named_parameters())
    statistics = [name for name, _ in module.named_buffers() if name.rpartition(".")[2] in STATISTICS]
    names = chosen([*weights, *statistics], patterns, key="freeze")
    if not any(weight.requires_grad and name not in names for name, weight in weights.items()):
        raise InputError(
            f"{', '.join(patterns)}: every weight of {type(module).__name__} is frozen",
            expected="something left to train",
            todo='leave the head out of it: freeze = ["!LAST LAYER"]',
            key="freeze",
        )
    for name in names & weights.keys():
        weights[name].requires_grad_(False)
    hold_norms(module, names)
    return [name for name in weights if name in names]


def hold_norms(module: nn.Module, names: Collection[str]) -> None:
    """Keep the batch norms of MODULE, all of whose weights (or else statistics) are among NAMES, in evaluation mode."""
    for place, layer in module.named_modules():
        if isinstance(layer, _BatchNorm) and not isinstance(layer, Held):
            own = [name for name, _ in layer.named_parameters()] or [name for name, _ in layer.named_buffers()]
            if own and all(f"{place}.{name}".removeprefix(".") in names for name in own):
                layer.__class__ = held(type(layer))
                layer.eval()


class Held(nn.Module):
    """Mixed into a batch norm: it never goes into training mode.

    The class, not a hook or a wrapper, says so: names of weights, copies and exports stay those of a batch norm.
    """

    def train(self, mode: bool = True) -> Self:
        return super().train(False)

    def __reduce_ex__(self, protocol: Any) -> Any:  # the class was made here, so pickle finds it by what it is made of
        return _again, (type(self).__bases__[1],), self.__dict__


MADE: dict[type, Any] = {}


def held(kind: type[nn.Module]) -> Any:
    """The batch norm class KIND, held in evaluation mode; always the same one."""
    if kind not in MADE:
        MADE[kind] = type(f"Held{kind.__name__}", (Held, kind), {"__module__": kind.__module__})
    return MADE[kind]


def _again(kind: type[nn.Module]) -> Any:
    made = held(kind)
    return made.__new__(made)
