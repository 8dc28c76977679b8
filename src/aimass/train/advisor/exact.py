"""Guard of class E: exact maths, so gradients and losses may differ by rounding alone.

How much rounding is: the same plan run in another order of adding up (another number of threads), or, where that
changes nothing, what the precision's last digit allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

import torch
from torch import Tensor

from aimass.train.plan import Plan

STEPS = 30
TIMES = 4.0  # the noise floor, at most
# Relative error of a sum of some thousand terms in another order; short formats are summed in float32.
ROUNDING = {"fp32": 4e-6, "tf32": 1e-3, "fp16": 1e-3, "bf16": 8e-3}
LOSSES = {"fp32": 1e-4, "tf32": 2e-3, "fp16": 2e-3, "bf16": 1e-2}  # what rounding grows to in thirty steps
SMALL = 0.01  # of the whole gradient's length: shorter ones are rounding of the others (a bias before a norm)


def other_order(plan: Plan, facts: Mapping[str, object]) -> Plan:
    """PLAN as it is, with sums in another order: other threads on a CPU, two micro-batches on a GPU."""
    eager = plan.having(compile="none", graphs=False)
    if facts.get("device", "cpu") == "cpu":
        return eager.having(threads=1 if plan.threads > 1 else 2)
    normed = facts.get("has_batch_norm", True)  # its statistics are the micro-batch's
    return eager if normed else eager.having(accumulate=2 * plan.accumulate)


def gradient_error(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> tuple[float, str]:
    """Largest relative error of a parameter's gradient, and whose it is; infinite when one is missing or no number."""
    if not wanted or found.keys() != wanted.keys():
        return float("inf"), ", ".join(sorted(found.keys() ^ wanted.keys())) or "no gradient"
    whole = float(torch.stack([g.norm() for g in wanted.values()]).norm())
    errors = {name: _error(found[name], g, SMALL * whole) for name, g in wanted.items()}
    worst = max(errors, key=lambda name: errors[name])
    return errors[worst], worst


def _error(found: Tensor, wanted: Tensor, least: float) -> float:
    error = float((found - wanted).norm()) / max(float(wanted.norm()), least, 1e-30)
    return error if isfinite(error) else float("inf")


def loss_band(base: Sequence[float], again: Sequence[float], precision: str) -> list[float]:
    """How far a loss may be from BASE at each step: four times what AGAIN, in another order, was away so far."""
    widest, band = 0.0, []
    for one, other in zip(base, again, strict=True):
        widest = max(widest, abs(one - other))
        band.append(max(TIMES * widest, LOSSES[precision] * abs(one)))
    return band


def judge_gradients(
    found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], again: Mapping[str, Tensor], precision: str
) -> tuple[bool, str]:
    """Whether FOUND is WANTED up to rounding, of which AGAIN is a sample; and in words."""
    error, worst = gradient_error(found, wanted)
    limit = TIMES * max(gradient_error(again, wanted)[0], ROUNDING[precision])
    return error <= limit, f"gradients {error:.1e} off in {worst}, {limit:.1e} allowed"


def judge_losses(
    found: Sequence[float], base: Sequence[float], again: Sequence[float], precision: str
) -> tuple[bool, str]:
    """Whether every loss FOUND lies in the band around BASE; and in words."""
    for step, (one, other, band) in enumerate(zip(found, base, loss_band(base, again, precision), strict=True), 1):
        if not abs(one - other) <= band:
            return False, f"loss {one:.6g} instead of {other:.6g} at step {step}, {band:.1e} allowed"
    return True, f"{len(found)} losses agree"
