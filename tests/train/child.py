"""One attempt at a training task in a process of its own, that may kill itself: `python -m tests.train.child JSON`.

JSON: {"examples": FOLDER, "out": FOLDER, "resume": FOLDER, "model": {...}, "recipe": {...}, "die_at": N or 0}.
N counts steps (of gradient descent), or checkpoints (of boosting).  State is kept after every step.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimass.core.artifact import open_artifact
from aimass.core.part import resolve
from aimass.models.base import Architecture
from aimass.train import pulse, rounds
from aimass.train.loop import Going
from aimass.train.step import train
from tests.train.by_hand import FakeContext


def dying(inner: Callable[..., Any], at: int) -> Callable[..., Any]:
    """INNER, the process killed right behind its call number AT."""
    calls = iter(range(1, sys.maxsize))

    def call(*arguments: Any) -> Any:
        answer = inner(*arguments)
        if next(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return call


def attempt(order: dict[str, Any]) -> FakeContext:
    """Run the task that ORDER describes."""
    context = FakeContext(Path(order["out"]), Path(order["resume"]), seed=7)
    recipe = resolve("recipe", order["recipe"]["use"]).from_settings(order["recipe"])
    train.body(
        context, open_artifact(Path(order["examples"])), model=Architecture.from_settings(order["model"]), recipe=recipe
    )
    return context


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    pulse.TELL_EVERY = pulse.SAVE_EVERY = 0.0
    Going.one_step = dying(Going.one_step, asked["die_at"])
    rounds.write_whole = dying(rounds.write_whole, asked["die_at"])
    attempt(asked)
