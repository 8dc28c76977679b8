"""What all augmentations of texts share: indices of words, front to back, then padding (0).

N = texts, T = words a text can hold.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from aimass.train.augment.base import OneKind

PADDING, UNKNOWN = 0, 1  # as in prepare/text.py


class OfWords(OneKind):
    """Varies texts: int [N, T]."""

    kind: ClassVar[str] = "words"


def packed(words: Tensor, place: Tensor, keep: Tensor, length: int) -> Tensor:
    """The WORDS to KEEP, each at its PLACE, all [N, any]; what has its place behind LENGTH is lost.  -> [N, LENGTH]"""
    result = torch.full((len(words), length + 1), PADDING, dtype=words.dtype, device=words.device)
    place = torch.where(keep & (place < length), place, length)  # the last column takes what is left out
    return result.scatter(1, place, words)[:, :length].contiguous()
