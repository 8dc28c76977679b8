"""A training with everything on that may kill itself: `python -m tests.train.fit_child JSON`.

JSON: {"case": NAME, "resume": FOLDER, "die_at": N}; N counts steps and micro-batches, so that a kill also falls between
two micro-batches of a step.  State is kept after every step.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from aimass.train import pulse
from aimass.train.fit import Fitted, fit

USUAL: dict[str, Any] = {"epochs": 3, "batch": 16, "threads": 1, "advise": "off", "learning_rate": 0.01}
VARIED = ["flip", {"use": "shift"}, "noise", "cutout"]
CASES: dict[str, dict[str, Any]] = {
    "everything": {"average": "ema", "accumulate": 2, "augment": VARIED, "clip": 1.0, "warm_up": 0.2},
    "half precision": {"precision": "fp16", "augment": VARIED, "average": "swa", "average_from": 0.4},
    "muon": {"optimizer": "muon", "average": "ema", "schedule": "cosine"},
    "balanced": {"optimizer": "sgd", "nesterov": True, "sampling": "balanced", "smoothing": 0.1},
}


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(144, 8), nn.ReLU(),
        nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3),
    )  # fmt: skip


def data() -> tuple[Tensor, Tensor]:
    chance = torch.Generator().manual_seed(1)
    images = torch.randn(80, 1, 8, 8, generator=chance)
    return images, (images[:, 0, :4].mean((1, 2)) > 0).long() + (images[:, 0, 4:].mean((1, 2)) > 0.1)


def fitted(case: str, **given: Any) -> Fitted:
    return fit(module(), data(), **{**USUAL, **CASES[case], **given})


def dying(inner: Callable[..., Any], at: int) -> Callable[..., Any]:
    """INNER, the process killed right behind its call number AT."""
    calls = iter(range(1, sys.maxsize))

    def call(*arguments: Any, **named: Any) -> Any:
        answer = inner(*arguments, **named)
        if next(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return call


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    pulse.TELL_EVERY = pulse.SAVE_EVERY = 0.0
    Tensor.backward = dying(Tensor.backward, order["die_at"])  # type: ignore[method-assign]
    fitted(order["case"], resume=order["resume"])
