"""Weights before the first step, by name.  Only linear and convolution layers: the others keep their own."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from torch import nn
from torch.nn import init

from aimass.models.activations import Activation

Initialisation = Literal["torch", "xavier-uniform", "xavier-normal", "kaiming-uniform", "kaiming-normal", "orthogonal"]
LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
# What a layer must be multiplied by so that its activation keeps the size of signals (`init.calculate_gain`).  The
# smooth ones, which torch has no gain for, are as good as ReLU there; those between bounds stand as they are.
LIKE: dict[str, Any] = {"leaky-relu": "leaky_relu", "selu": "selu", "tanh": "tanh", "sigmoid": "sigmoid"}


def initialise(module: nn.Module, how: Initialisation, activation: Activation = "relu") -> None:
    """Draw the weights of MODULE's layers anew, from torch's generator; their biases become zero.

    torch            leave all as torch has made it
    xavier-...       variance 2 / (inputs + outputs) (Glorot and Bengio 2010); for tanh and sigmoid
    kaiming-...      variance gain² / inputs (He et al. 2015, arXiv 1502.01852); for ReLU and its kin
    orthogonal       rows or columns at right angles, times the gain (Saxe et al. 2013, arXiv 1312.6120)

    The gain is that of the ACTIVATION that follows.
    """
    if how == "torch":
        return
    fill = _filler(how, activation)
    for layer in module.modules():
        if isinstance(layer, LAYERS):
            fill(layer.weight)
            if layer.bias is not None:
                init.zeros_(layer.bias)


def _filler(how: str, activation: str) -> Any:
    like = LIKE.get(activation, "relu")
    slope = 0.01 if like == "leaky_relu" else 0.0
    if how == "orthogonal":
        return partial(init.orthogonal_, gain=init.calculate_gain(like, slope))
    if how.startswith("xavier"):
        return init.xavier_uniform_ if how.endswith("uniform") else init.xavier_normal_
    kaiming = init.kaiming_uniform_ if how.endswith("uniform") else init.kaiming_normal_
    return partial(kaiming, a=slope, nonlinearity=like)
