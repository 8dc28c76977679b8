"""The work of a GPU benchmark through `aimass.fit`, or opened into the job and plan that advisor and loop take."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))  # ours.py

import by_hand
from by_hand import Work
from ours import epoch_seconds

from aimass.train.advisor.advise import advise
from aimass.train.advisor.record import Advice
from aimass.train.bench import LoopBench
from aimass.train.fit import Fitted, fit, signature_of
from aimass.train.gradient import Gradient
from aimass.train.job import Job
from aimass.train.parallel.single import Single
from aimass.train.plan import SPEED, Plan
from aimass.train.source import Source
from aimass.train.worker import settled

PLANNED = 200  # epochs of the run that advice is asked for: long enough to pay back a compilation
SAME = {
    "optimizer": "sgd", "learning_rate": by_hand.RATE, "momentum": by_hand.MOMENTUM, "schedule": "constant",
    "weight_decay": 0.0, "clip": 0.0, "patience": 100_000,
}  # fmt: skip


def ours(work: Work, **how: Any) -> float:
    """Rows a second of whole epochs through `aimass.fit`, the first apart."""
    seconds = epoch_seconds(fitted(work, **how).history)[1:]
    return work.rows * len(seconds) / sum(seconds)


def fitted(work: Work, **how: Any) -> Fitted:
    """Trained as the loops written by hand do it; HOW are further settings."""
    settings = {**SAME, "advise": "off", "update": "fused", "tier": "device", "augment": [], **how}
    data = (work.values, work.labels)
    return fit(work.network(), data, epochs=work.epochs, batch=work.batch, device=work.device, **settings)


def opened(work: Work, epochs: int, **how: Any) -> tuple[Job, Plan]:
    """A job of WORK, and its plan for so many EPOCHS with the settings HOW: the safe one but for those."""
    module, inputs, labels = work.network(), work.values, work.labels
    settings = {**SAME, "augment": [], "epochs": epochs, "batch": work.batch, **how}
    recipe = Gradient.from_settings({"use": "gradient", **settings})
    train = Source.of_tensors((inputs,), labels, recipe.tier, work.device)
    nothing = Source.of_tensors((inputs[:0],), labels[:0], recipe.tier, work.device)
    job = Job(module, signature_of(module, (inputs,), labels), train, nothing, work.device)
    return job, settled(recipe, job, seed=0)


def asked(work: Work, seconds: float) -> tuple[LoopBench, Advice]:
    """What the advisor finds in so many SECONDS for a long run on WORK, and what it was found on."""
    job, plan = opened(work, PLANNED)
    bench = LoopBench(job, plan, Single(work.device))
    return bench, advise(bench, seconds=seconds, note=lambda text: print(f"  advisor: {text}", flush=True))


def settings_of(plan: Plan) -> dict[str, Any]:
    """How fast PLAN trains, as settings of `aimass.fit`."""
    return {name: getattr(plan, name) for name in SPEED}
