"""LoRA: instead of a linear layer's weight, learn what to add to it, as a product of two thin matrices.

Hu et al. 2021 (arXiv 2106.09685): y = W x + alpha / rank * B A x, with W frozen.  B begins as zeros, so training
begins exactly at the base model.  I = inputs, O = outputs, R = rank.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

from aimass.core.errors import InputError, unknown
from aimass.train.freeze import hold_norms
from aimass.train.patterns import chosen
from aimass.train.rng import stream

FACTS = "aimass.lora"  # key in the header of a file of adapters
PARTS = ("lora_a", "lora_b", "lora_scale", "lora_dropout", "lora_slow")


class LoraLinear(nn.Linear):
    """A linear layer with an adapter.  Its base weights keep their names: weight, bias; added are lora_a [R, I] and
    lora_b [O, R]."""

    lora_a: nn.Parameter
    lora_b: nn.Parameter
    lora_scale: float  # alpha / rank
    lora_dropout: float
    lora_slow: RemovableHandle | None  # see `_leave_fast_path`

    def forward(self, x: Tensor) -> Tensor:
        thin = F.linear(F.dropout(x, self.lora_dropout, self.training), self.lora_a)
        return F.linear(x, self.weight, self.bias) + self.lora_scale * F.linear(thin, self.lora_b)


@dataclass(frozen=True)
class Lora:
    """What was adapted, and how many numbers are trained of how many."""

    layers: tuple[str, ...]
    left_out: dict[str, str]  # linear layer -> why
    trained: int
    total: int

    @property
    def report(self) -> str:
        """One line for the log."""
        share = f"{self.trained:,} of {self.total:,} numbers are trained ({self.trained / self.total:.2%})"
        left = "; ".join(f"{name}: {why}" for name, why in self.left_out.items())
        return f"LoRA on {', '.join(self.layers)}: {share}" + (f"; left out: {left}" if left else "")


def add_lora(
    module: nn.Module,
    rank: int = 8,
    alpha: float = 16.0,
    dropout: float = 0.0,
    patterns: Sequence[str] = ("*",),
    *,
    keep: Sequence[str] = (),
    seed: int = 0,
) -> Lora:
    """Put adapters on the linear layers of MODULE that PATTERNS mean, in place, and freeze everything else.

    KEEP are patterns of parameters that are trained, too, as a whole: a new head.  Batch norms stay in evaluation
    mode.  Layers stay the objects they were: names, hooks and sharing stay, too.
    Raises InputError when a pattern means nothing, or no layer can carry a smaller adapter of that rank.
    """
    if rank < 1 or alpha <= 0 or not 0 <= dropout < 1:
        raise InputError(f"lora: rank {rank}, alpha {alpha:g}, dropout {dropout:g}", key="lora",
                         expected="a rank from 1, alpha above 0, dropout from 0 to below 1")  # fmt: skip
    names = [name for name, _ in module.named_parameters()]
    kept = chosen(names, keep, key="head") if keep else set()
    layers, left_out = _layers(module, rank, chosen(_linear(module), patterns, key="lora.layers"), kept)
    if not layers:
        why = "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "there is none"
        raise InputError(f"no linear layer can carry an adapter of rank {rank}: {why}", key="lora",
                         expected="a layer with more inputs and outputs than twice the rank",
                         todo="lower the rank, or leave lora out and freeze what should stay")  # fmt: skip
    for name, weight in module.named_parameters():
        weight.requires_grad_(name in kept)
    hold_norms(module, {name for name, _ in [*module.named_parameters(), *module.named_buffers()]} - kept)
    for name, layer in layers.items():
        _adapt(layer, rank, alpha, dropout, stream("lora", seed, name))
    _leave_fast_path(module)
    return Lora(tuple(layers), left_out, _count(module, trained=True), _count(module, trained=False))


def merge_lora(module: nn.Module) -> list[str]:
    """Add each adapter of MODULE to its weight, in place, and make the layers plain again; returns their names.

    Names, shapes and classes are then those of the module before `add_lora`; frozen weights stay frozen.
    """
    merged = [(name, layer) for name, layer in module.named_modules() if isinstance(layer, LoraLinear)]
    for _, layer in merged:
        with torch.no_grad():  # in float64: one rounding instead of rank many
            added = layer.lora_b.double() @ layer.lora_a.double() * layer.lora_scale
            layer.weight.copy_(layer.weight.double() + added)
        if layer.lora_slow:
            layer.lora_slow.remove()
        for part in PARTS:
            delattr(layer, part)
        layer.__class__ = nn.Linear  # type: ignore[assignment]
    return [name for name, _ in merged]


def save_adapters(module: nn.Module, path: Path) -> None:
    """Write what is trained of MODULE (adapters, a new head and its statistics) to PATH, a .safetensors file."""
    layers = {name: layer for name, layer in module.named_modules() if isinstance(layer, LoraLinear)}
    if not layers:
        raise InputError("the module has no adapters", expected="a module after add_lora, before merge_lora")
    tensors: dict[str, Tensor] = {}
    for place, part in module.named_modules():
        own = [(name, weight) for name, weight in part.named_parameters(recurse=False) if weight.requires_grad]
        for name, value in [*own, *part.named_buffers(recurse=False)] if own else []:
            tensors[f"{place}.{name}".removeprefix(".")] = value.detach().contiguous()
    one = next(iter(layers.values()))
    rank = one.lora_a.shape[0]
    facts = {"rank": rank, "alpha": one.lora_scale * rank, "dropout": one.lora_dropout, "layers": list(layers)}
    save_file(tensors, str(path), {FACTS: json.dumps(facts)})


def load_adapters(module: nn.Module, path: Path) -> Lora:
    """Put the adapters that `save_adapters` wrote on MODULE, the base model they were trained on.

    Raises InputError when PATH holds no adapters, or those of another architecture.
    """
    tensors, facts = _read(path)
    modules = dict(module.named_modules())
    for name in facts["layers"]:
        if not isinstance(modules.get(name), nn.Linear):
            error = unknown("linear layer", name, _linear(module))
            raise InputError(f"{path.name} does not fit: {error.what}", expected=error.expected)
    others = [name for name, _ in module.named_parameters() if name in tensors]
    made = add_lora(module, facts["rank"], facts["alpha"], facts["dropout"], facts["layers"], keep=others)
    state = module.state_dict()
    for name, value in tensors.items():
        if name not in state or state[name].shape != value.shape:
            found = list(state[name].shape) if name in state else "not there"
            raise InputError(f"{path.name} does not fit: {name} is {found}, in the file {list(value.shape)}",
                             expected="the base model that the adapters were trained on")  # fmt: skip
        state[name].copy_(value)
    return made


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(str(path), framework="pt") as file:
            facts = (file.metadata() or {}).get(FACTS)
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}", expected="a file written by save_adapters") from error
    if facts is None:
        raise InputError(f"{path} holds no adapters", expected="a file written by save_adapters",
                         todo="whole weights are read by load_weights")  # fmt: skip
    return tensors, json.loads(facts)


def _linear(module: nn.Module) -> list[str]:
    return [name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)]


def _layers(
    module: nn.Module, rank: int, wanted: set[str], kept: set[str]
) -> tuple[dict[str, nn.Linear], dict[str, str]]:
    """Of the linear layers WANTED those that can carry an adapter; the others with the reason."""
    uses = Counter(id(weight) for _, weight in module.named_parameters(remove_duplicate=False))
    layers: dict[str, nn.Linear] = {}
    left_out: dict[str, str] = {}
    for name, layer in module.named_modules():
        if name not in wanted or not isinstance(layer, nn.Linear):
            continue
        inputs, outputs = layer.in_features, layer.out_features
        if f"{name}.weight".removeprefix(".") in kept:
            left_out[name] = "trained as a whole"
        elif type(layer) is not nn.Linear:  # its weight may be read without its forward, as attention does
            left_out[name] = f"a {type(layer).__name__}, not a plain linear layer"
        elif uses[id(layer.weight)] > 1:
            left_out[name] = "its weight is used elsewhere, too"
        elif rank * (inputs + outputs) >= inputs * outputs:
            left_out[name] = f"{inputs} x {outputs} is no larger than its adapter"
        else:
            layers[name] = layer
    return layers, left_out


def _adapt(layer: nn.Linear, rank: int, alpha: float, dropout: float, seed: int) -> None:
    """A as a linear layer begins (Kaiming uniform), B zeros."""
    a_RI = torch.empty(rank, layer.in_features)
    nn.init.kaiming_uniform_(a_RI, a=math.sqrt(5), generator=torch.Generator().manual_seed(seed))
    layer.__class__ = LoraLinear
    adapted = cast(LoraLinear, layer)
    adapted.lora_a = nn.Parameter(a_RI.to(layer.weight))
    adapted.lora_b = nn.Parameter(layer.weight.new_zeros(layer.out_features, rank))
    adapted.lora_scale, adapted.lora_dropout, adapted.lora_slow = alpha / rank, dropout, None


def _leave_fast_path(module: nn.Module) -> None:
    """In evaluation mode torch's encoder layer reads the weights of its linear layers itself, past their forward,
    unless a hook hangs on one of them."""
    for block in module.modules():
        if isinstance(block, nn.TransformerEncoderLayer):
            for layer in (block.linear1, block.linear2):
                if isinstance(layer, LoraLinear):
                    layer.lora_slow = layer.register_forward_pre_hook(_nothing)


def _nothing(layer: nn.Module, given: Any) -> None:
    return None


def _count(module: nn.Module, *, trained: bool) -> int:
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad or not trained)
