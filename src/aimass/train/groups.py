"""Which weights decay, which learn at a rate of their own, which are the matrices of hidden layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from aimass.core.errors import unknown
from aimass.train.names import bare, named_weights, unwrapped

Group = dict[str, Any]


def groups_of(module: nn.Module, weight_decay: float, scales: Mapping[str, float] | None = None) -> list[Group]:
    """The trainable weights of MODULE in groups of one decay and one scale; biases and norms (one axis) do not decay.

    SCALES multiply the rate of the weights whose name is theirs or begins with it up to a dot; the longest counts.
    Each group also lists its `hidden` ones, for Muon.  Raises InputError for a name in SCALES that no weight has.
    """
    weights = {name: weight for name, weight in named_weights(module).items() if weight.requires_grad}
    for key in scales or {}:
        if not any(_covers(key, name) for name in weights):
            raise unknown("trainable weight or layer", key, weights, key="scales")
    hidden, groups = hidden_matrices(module), dict[tuple[float, float], Group]()
    for decays in (True, False):
        for name, weight in weights.items():
            if (weight.ndim > 1) is decays:
                decay, scale = weight_decay if decays else 0.0, _scale(name, scales or {})
                new: Group = {"params": [], "weight_decay": decay, "scale": scale, "hidden": []}
                group = groups.setdefault((decay, scale), new)
                group["params"].append(weight)
                group["hidden"] += [weight] if name in hidden else []
    return list(groups.values())


def hidden_matrices(module: nn.Module) -> set[str]:
    """Names of the matrices that map one hidden layer to the next: no embedding, not the first weight, not the last.

    First and last are those of the order in which the layers were made.  A convolution's weight is no matrix.
    """
    several = [name for name, weight in named_weights(module).items() if weight.ndim > 1]
    tables = (nn.Embedding, nn.EmbeddingBag)
    rows = {bare(f"{name}.weight") for name, layer in unwrapped(module).named_modules() if isinstance(layer, tables)}
    weights = named_weights(module)
    return {name for name in several[1:-1] if weights[name].ndim == 2} - rows


def split_hidden(groups: Iterable[Group], *, apart: bool) -> tuple[list[Group], list[Group]]:
    """GROUPS of hidden matrices (none unless they shall be APART) and of all others; `hidden` itself is left out."""
    hidden, rest = list[Group](), list[Group]()
    for group in groups:
        chosen = {id(weight) for weight in group.get("hidden", ()) if apart}
        plain = {key: value for key, value in group.items() if key != "hidden"}
        for into, inside in ((hidden, True), (rest, False)):
            weights = [weight for weight in group["params"] if (id(weight) in chosen) is inside]
            if weights:
                into.append({**plain, "params": weights})
    return hidden, rest


def _covers(key: str, name: str) -> bool:
    return name == key or name.startswith(f"{key}.")


def _scale(name: str, scales: Mapping[str, float]) -> float:
    return scales[max(keys, key=len)] if (keys := [key for key in scales if _covers(key, name)]) else 1.0
