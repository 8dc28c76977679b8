"""ResNet-18 and ResNet-50 (He et al. 2016, arXiv 1512.03385), written plainly: no torchvision is needed."""

from __future__ import annotations

from torch import Tensor, nn


def convolution(inner: int, outer: int, size: int, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, then batch norm."""
    return nn.Sequential(nn.Conv2d(inner, outer, size, stride, size // 2, bias=False), nn.BatchNorm2d(outer))


class Block(nn.Module):
    """Two 3 x 3 convolutions, or 1 x 1, 3 x 3, 1 x 1 with four times the width (bottleneck), and a way around them."""

    def __init__(self, inner: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        outer = 4 * width if bottleneck else width
        sizes = [(inner, width, 1, 1), (width, width, 3, stride), (width, outer, 1, 1)]
        if not bottleneck:
            sizes = [(inner, width, 3, stride), (width, width, 3, 1)]
        layers: list[nn.Module] = [module for size in sizes for module in (convolution(*size), nn.ReLU(inplace=True))]
        self.inner = nn.Sequential(*layers[:-1])
        same = inner == outer and stride == 1
        self.around = nn.Identity() if same else convolution(inner, outer, 1, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inner, H, W] -> [N, outer, H / stride, W / stride]"""
        result: Tensor = self.relu(self.inner(x) + self.around(x))
        return result


def resnet(blocks: tuple[int, ...], *, bottleneck: bool, small: bool, classes: int, width: int = 64) -> nn.Sequential:
    """Stages of so many BLOCKS; SMALL: the stem for pictures of 32 x 32 pixels, without strides."""
    stem = convolution(3, width, 3) if small else convolution(3, width, 7, 2)
    layers: list[nn.Module] = [stem, nn.ReLU(inplace=True)]
    if not small:
        layers.append(nn.MaxPool2d(3, 2, 1))
    inner = width
    for stage, count in enumerate(blocks):
        for number in range(count):
            layers.append(Block(inner, width << stage, 2 if stage and not number else 1, bottleneck))
            inner = (width << stage) * (4 if bottleneck else 1)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inner, classes))


def resnet18(classes: int = 10) -> nn.Sequential:
    """11.2 million parameters, for 32 x 32 pixels."""
    return resnet((2, 2, 2, 2), bottleneck=False, small=True, classes=classes)


def resnet50(classes: int = 1000) -> nn.Sequential:
    """25.6 million parameters, for 224 x 224 pixels."""
    return resnet((3, 4, 6, 3), bottleneck=True, small=False, classes=classes)
