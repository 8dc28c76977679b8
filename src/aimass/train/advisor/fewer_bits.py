"""Guard of class P: fewer bits change every number, so what counts is whether learning goes the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from statistics import fmean, stdev

import torch
from torch import Tensor

STEPS = 50
GAP = 0.01  # of the mean loss; or twice the spread from seed to seed, if that is more
COSINE = 0.99
SKIPS = 0.01  # share of the updates, once the scale has settled
SETTLED = 0.2  # share of the steps in which it may settle
NOTHING = 1e-6  # of the whole gradient's length: a group with less has no direction but rounding's


def groups(gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One vector a layer: the gradients of its parameters, end to end."""
    found: dict[str, list[Tensor]] = {}
    for name in sorted(gradients):
        found.setdefault(name.rpartition(".")[0] or name, []).append(gradients[name].flatten().double())
    return {name: torch.cat(parts) for name, parts in found.items()}


def cosines(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, float]:
    """Cosine of the angle between a layer's gradients, by layer; -1 where one is missing or no number."""
    mine, theirs = groups(found), groups(wanted)
    whole = float(torch.stack([g.norm() for g in theirs.values()]).norm())
    told = {}
    for name, gradient in theirs.items():
        if float(gradient.norm()) > NOTHING * whole:
            other = mine.get(name, torch.zeros(0))
            same = other.shape == gradient.shape and bool(other.isfinite().all()) and float(other.norm()) > 0
            told[name] = float(other @ gradient / (other.norm() * gradient.norm())) if same else -1.0
    return told


def judge_gradients(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> tuple[bool, str]:
    """Whether every layer's gradient points where the float32 one does; the worst in words."""
    told = cosines(found, wanted)
    if not told:
        return False, "no layer has a gradient"
    worst = min(told, key=lambda name: told[name])
    return told[worst] >= COSINE, f"cosine {told[worst]:.4f} in {worst}"


def loss_gap(found: Sequence[float], base: Sequence[float]) -> float:
    """Difference of the mean losses, relative to BASE's."""
    return abs(fmean(found) - fmean(base)) / max(abs(fmean(base)), 1e-12)


def seed_spread(runs: Sequence[Sequence[float]]) -> float:
    """Standard deviation of the mean loss from seed to seed, relative to the mean of all."""
    means = [fmean(run) for run in runs]
    return stdev(means) / max(abs(fmean(means)), 1e-12)


def judge_losses(gap: float, allowed: float, found: Sequence[float]) -> tuple[bool, str]:
    """Whether all losses are numbers and their mean is near enough."""
    bad = next((step for step, loss in enumerate(found, 1) if not isfinite(loss)), 0)
    if bad:
        return False, f"loss is no number at step {bad}"
    return gap <= allowed, f"loss {gap:.2%} off, {allowed:.1%} allowed"


def judge_skips(skipped: Sequence[bool]) -> tuple[bool, str]:
    """Whether the scale of fp16 settles: skipped updates in all but the first fifth of the steps."""
    settled = skipped[int(SETTLED * len(skipped)) :]
    share = sum(settled) / max(1, len(settled))
    return share < SKIPS, f"{share:.0%} of the updates skipped"
