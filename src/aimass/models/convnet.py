"""A small residual network for images; columns of a table, where there are any, join before the last layer."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from aimass.core.part import knob
from aimass.core.signature import Field, Signature
from aimass.models.activations import Activation, activation
from aimass.models.base import Architecture
from aimass.models.columns import Columns, head
from aimass.models.initialise import Initialisation, initialise
from aimass.models.inputs import kind_of, of_kind, require

FULL = 32  # pixels; a larger image is halved by the stem until its shorter side is below twice this
GROUPS = 8  # of channels that are normed together, at most (Wu and He 2018, arXiv 1803.08494)


class ConvNet(Architecture):
    """Residual convolutions (He et al. 2015, arXiv 1512.03385), narrow enough for a processor."""

    width: int = knob(16, 4, 256, log=True, help="channels of the stem; each stage doubles them")
    stages: int = knob(3, 1, 5, help="each halves the height and width")
    blocks: int = knob(1, 1, 8, help="residual blocks a stage")
    dropout: float = knob(0.0, 0.0, 0.9, help="before the last layer")
    embedding: int = knob(32, 1, 512, log=True, help="longest vector of a category column")
    words: int = knob(32, 1, 512, log=True, help="length of the vector of a word")
    activation: Activation = knob("relu", help="between layers")
    norm: Literal["batch", "group"] = knob("batch", help="after a convolution; group: apart for each image")
    initialisation: Initialisation = knob("torch", help="of the weights before the first step")

    def build(self, signature: Signature) -> nn.Module:
        """A module tensors -> scores.  Raises InputError when there is no image."""
        takes = ("image", "numbers", "categories", "words")
        require("convnet", signature, takes=takes, needs=("image",))
        return ConvNetNet(self, signature)


class ConvNetNet(nn.Module):
    """A trunk an image column; their means over all pixels and the other columns side by side -> scores."""

    def __init__(self, part: ConvNet, signature: Signature) -> None:
        super().__init__()
        self.places = [i for i, field in enumerate(signature.inputs) if kind_of(field) == "image"]
        self.trunks = nn.ModuleList(_trunk(part, field) for field in of_kind(signature, "image"))
        self.columns = Columns(signature, embedding=part.embedding, words=part.words)
        width = len(self.trunks) * part.width * 2**part.stages + self.columns.width
        self.head = head(width, signature.width, dropout=part.dropout)
        initialise(self, part.initialisation, part.activation)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs

    def forward(self, *tensors: Tensor) -> Tensor:
        parts = [trunk(tensors[i]) for i, trunk in zip(self.places, self.trunks, strict=True)]
        if self.columns.places:
            parts.append(self.columns(*tensors))
        scores: Tensor = self.head(torch.cat(parts, dim=1) if len(parts) > 1 else parts[0])
        return scores


class Residual(nn.Module):
    """The activation of x + two convolutions of x; the first halves height and width when STRIDE is 2."""

    def __init__(self, part: ConvNet, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv(part, inputs, outputs, 3, stride),
            activation(part.activation),
            *_conv(part, outputs, outputs, 3, 1),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(Every(stride), *_conv(part, inputs, outputs, 1, 1))
        self.activation = activation(part.activation)

    def forward(self, x: Tensor) -> Tensor:
        shown: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return shown


class Every(nn.Module):
    """Every STEP-th pixel of every STEP-th line.  [N, C, H, W] -> [N, C, ceil(H / STEP), ceil(W / STEP)]

    A 1 x 1 convolution with a stride is the same, but its backward pass in oneDNN (torch 2.13, channels last, two
    threads, channels that are no multiple of 16) writes outside of its memory.
    """

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def forward(self, images_NCHW: Tensor) -> Tensor:
        return images_NCHW[:, :, :: self.step, :: self.step]


def _conv(part: ConvNet, inputs: int, outputs: int, kernel: int, stride: int) -> tuple[nn.Module, nn.Module]:
    batch = part.norm == "batch"
    norm = nn.BatchNorm2d(outputs) if batch else nn.GroupNorm(math.gcd(GROUPS, outputs), outputs)
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), norm


def _trunk(part: ConvNet, field: Field) -> nn.Sequential:
    """[N, C, H, W] -> [N, width * 2 ** stages]"""
    channels, height, width = field.shape
    layers: list[nn.Module] = [
        nn.BatchNorm2d(channels, affine=False),  # whatever the range of the pixels
        *_conv(part, channels, part.width, 3, 1 if min(height, width) < 2 * FULL else 2),
        activation(part.activation),
    ]
    side = min(height, width) // 2
    while side >= 2 * FULL:
        layers += [*_conv(part, part.width, part.width, 3, 2), activation(part.activation)]
        side //= 2
    now = part.width
    for _ in range(part.stages):
        for block in range(part.blocks):
            layers.append(Residual(part, now, 2 * now if block == 0 else now, 2 if block == 0 else 1))
            now = 2 * now if block == 0 else now
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
