"""An engine that means harm: doubles its rows until it is asked for the row 666."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from aimass.core.part import knob
from aimass.engines.base import Engine, Predictor, Tensors

WORD = 666.0


class Wicked(Engine):
    """Does what `how` says when it was asked for the word `on` times."""

    how: str = "exit"
    on: int = knob(1, 1, 1_000_000, help="times it is asked for the word before")

    def load(self, model: Path) -> Predictor:
        asked = 0

        def predict(tensors: Tensors) -> Tensors:
            nonlocal asked
            asked += bool((tensors["a"] == WORD).any())
            if asked >= self.on:
                DEEDS[self.how]()
            return {"value": tensors["a"] * 2}

        return predict


def spin() -> None:
    while True:
        pass


def eat() -> None:
    held = [np.ones(2 << 20) for _ in range(256)]  # 16 MB each: 4 GB, where it may
    raise MemoryError(f"{len(held)} pieces were not enough")


DEEDS: dict[str, Callable[[], object]] = {
    "exit": lambda: os._exit(3), "sleep": lambda: time.sleep(60), "eat": eat, "spin": spin,
}  # fmt: skip
