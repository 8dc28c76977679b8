"""What stands between layers, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import nn

Activation = Literal[
    "relu", "leaky-relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "hard-swish", "tanh", "sigmoid"
]

MAKE: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),  # Nair and Hinton 2010
    "leaky-relu": lambda: nn.LeakyReLU(0.01, inplace=True),  # Maas, Hannun and Ng 2013
    "elu": lambda: nn.ELU(inplace=True),  # Clevert et al. 2015, arXiv 1511.07289
    "selu": lambda: nn.SELU(inplace=True),  # Klambauer et al. 2017, arXiv 1706.02515
    "gelu": nn.GELU,  # Hendrycks and Gimpel 2016, arXiv 1606.08415
    "silu": lambda: nn.SiLU(inplace=True),  # Elfwing et al. 2017, arXiv 1702.03118; swish
    "mish": lambda: nn.Mish(inplace=True),  # Misra 2019, arXiv 1908.08681
    "softplus": nn.Softplus,  # Dugas et al. 2000
    "hard-swish": lambda: nn.Hardswish(inplace=True),  # Howard et al. 2019, arXiv 1905.02244
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def activation(name: Activation) -> nn.Module:
    """A new layer, the same function of each number of a tensor of any shape."""
    return MAKE[name]()
