"""A learning rate of its own for each layer: lower for what lies deeper, or by pattern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import nn

from aimass.core.errors import InputError
from aimass.train.patterns import one

Layer = list[str]  # names of parameters


def rates_by_layer(module: nn.Module, decay: float) -> dict[str, float]:
    """Parameter -> share of the learning rate: 1 in the last layer, DECAY times less in each one before it.

    Discriminative fine-tuning (Howard and Ruder 2018, ULMFiT, arXiv 1801.06146, with decay 1 / 2.6; practice with
    BERT is 0.8 to 0.95): early layers hold what is general and need to move least.  Layers are told from the
    module tree, see `layers_of`.  Raises InputError for a DECAY outside of 0..1.
    """
    if not 0 < decay <= 1:
        raise InputError(f"layer_decay is {decay:g}", expected="above 0, at most 1 (no decay)", key="layer_decay")
    layers = layers_of(module)
    return {name: decay**depth for depth, layer in enumerate(reversed(layers)) for name in layer}


def rates_by_pattern(module: nn.Module, rates: Mapping[str, float]) -> dict[str, float]:
    """Parameter -> share of the learning rate by RATES, globs of names -> share; the last that means a name counts.

    Raises InputError for a pattern that means nothing, or a share that is not above 0.
    """
    names = [name for name, _ in module.named_parameters()]
    shares = dict.fromkeys(names, 1.0)
    for pattern, share in rates.items():
        if share <= 0:
            todo = f'to keep them as they are: freeze = ["{pattern}"]'
            raise InputError(f"the rate of {pattern} is {share:g}", expected="above 0", todo=todo, key="rates")
        shares |= dict.fromkeys(one(names, pattern, key="rates"), float(share))
    return shares


def layers_of(module: nn.Module) -> list[Layer]:
    """Parameters of MODULE layer by layer, in the order its modules were defined.

    A layer is a module that owns weights, or a block: an item of a Sequential or ModuleList that has a class of its
    own (a residual or transformer block).  What has vectors only (a norm) belongs to the layer before it, at the
    beginning to the one after it; embeddings side by side are one layer.  A parameter used twice counts where it is
    named first.
    """
    shapes = {name: weight.ndim for name, weight in module.named_parameters()}
    layers: list[Layer] = []
    before: nn.Module = module
    for part, names in _parts(module, "", is_block=False):
        own = [name for name in names if name in shapes and not any(name in layer for layer in layers)]
        if not own:
            continue
        starts = len(layers) == 1 and all(shapes[name] < 2 for name in layers[0])
        vectors = all(shapes[name] < 2 for name in own)
        if layers and (starts or vectors or (_embeds(part) and _embeds(before))):
            layers[-1] += own
        else:
            layers.append(own)
        before = part
    return layers


def _parts(module: nn.Module, place: str, *, is_block: bool) -> Iterator[tuple[nn.Module, Layer]]:
    """The pieces of MODULE, which stands at PLACE, with the names of the parameters in each."""
    is_list = isinstance(module, nn.Sequential | nn.ModuleList)
    children = list(module.named_children())
    whole = not children or (is_block and not is_list)
    yield module, [f"{place}{name}" for name, _ in module.named_parameters(recurse=whole)]
    for name, child in [] if whole else children:
        yield from _parts(child, f"{place}{name}.", is_block=is_list)


def _embeds(part: nn.Module) -> bool:
    """Whether all weights of PART are those of embeddings."""
    return all(isinstance(m, nn.Embedding) for m in part.modules() if list(m.parameters(recurse=False)))
