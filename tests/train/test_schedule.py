"""Schedules against the formulas of the first release and against torch's own."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as torchs

from aimass.core.errors import InputError
from aimass.train.schedule import LARGE, LOWEST, SHAPES, WARM_UP, factor, rule_of, scaled_rate

RUNS = st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


def first_release(schedule: str, step: int, total: int) -> float:
    """The rate of the first release for a learning rate of 1, as it was written there."""
    at = min(1.0, step / total)
    if schedule == "one-cycle" and at < WARM_UP:
        share = at / WARM_UP
    else:
        begin = WARM_UP if schedule == "one-cycle" else 0.0
        share = 0.5 * (1 + math.cos(math.pi * (at - begin) / (1 - begin)))
    return LOWEST + (1 - LOWEST) * share


@given(RUNS, st.sampled_from(["one-cycle", "cosine"]))
def test_one_cycle_and_cosine_are_those_of_the_first_release_bit_for_bit(run: tuple[int, int], schedule: str) -> None:
    assert factor(schedule, *run) == first_release(schedule, *run)


@given(RUNS, st.sampled_from(sorted(SHAPES)), st.floats(0, 1), st.floats(0.01, 1), st.integers(1, 500))
def test_every_factor_lies_between_nothing_and_one(
    run: tuple[int, int], schedule: str, warm_up: float, decay: float, every: int
) -> None:
    assert 0 <= factor(schedule, *run, warm_up=warm_up, decay=decay, decay_every=every) <= 1


@given(st.sampled_from(sorted(SHAPES)), st.integers(20, 500), st.floats(0.1, 0.9))
def test_the_rate_rises_in_the_warm_up_and_never_after_it(schedule: str, total: int, warm_up: float) -> None:
    factors = [factor(schedule, at, total, warm_up=warm_up, decay=0.5, decay_every=7) for at in range(total + 1)]
    top = math.ceil(warm_up * total)
    assert all(a < b for a, b in pairwise(factors[:top]))
    assert all(a >= b for a, b in pairwise(factors[top + 1 :]))


def torch_factors(make: object, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)  # type: ignore[operator]
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(
    ("schedule", "options", "torchs_own"),
    [
        ("step", {"decay": 0.3, "decay_every": 30}, lambda o: torchs.StepLR(o, 30, 0.3)),
        ("exponential", {"decay": 0.98, "decay_every": 1}, lambda o: torchs.ExponentialLR(o, 0.98)),
        ("cosine", {}, lambda o: torchs.CosineAnnealingLR(o, 100, eta_min=LOWEST)),
        ("constant", {}, lambda o: torchs.ConstantLR(o, factor=1.0)),
        (
            "constant",
            {"warm_up": 0.2},
            lambda o: torchs.LinearLR(o, start_factor=LOWEST, total_iters=20),
        ),
        (
            "step",
            {"warm_up": 0.2, "decay": 0.3, "decay_every": 30},
            lambda o: torchs.SequentialLR(
                o, [torchs.LinearLR(o, start_factor=LOWEST, total_iters=20), torchs.StepLR(o, 30, 0.3)], [20]
            ),
        ),
        (
            "one-cycle",
            {},
            lambda o: torchs.SequentialLR(
                o,
                [
                    torchs.LinearLR(o, start_factor=LOWEST, total_iters=25),
                    torchs.CosineAnnealingLR(o, 75, eta_min=LOWEST),
                ],
                [25],
            ),
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_schedule_equals_torchs_own(schedule: str, options: dict, torchs_own: object) -> None:
    ours = [factor(schedule, at, 100, **options) for at in range(100)]
    assert ours == pytest.approx(torch_factors(torchs_own, 100), rel=1e-9)


def test_exponential_meets_step_at_every_edge() -> None:
    edges = range(0, 120, 30)
    assert [factor("exponential", at, 120, decay=0.3, decay_every=30) for at in edges] == pytest.approx(
        [factor("step", at, 120, decay=0.3, decay_every=30) for at in edges]
    )


def test_a_schedule_that_nobody_knows_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no schedule is called 'cosin'; did you mean 'cosine'\?"):
        factor("cosin", 0, 10)


@given(st.floats(1e-5, 1), st.integers(1, LARGE))
def test_a_scaled_rate_is_itself_at_the_reference_and_grows_by_its_rule(rate: float, batch: int) -> None:
    assert scaled_rate(rate, 256, 256, "linear") == scaled_rate(rate, 256, 256, "sqrt") == (rate, "")
    linear, sqrt = scaled_rate(rate, batch, 256, "linear")[0], scaled_rate(rate, batch, 256, "sqrt")[0]
    assert linear == pytest.approx(rate * batch / 256) and sqrt == pytest.approx(rate * math.sqrt(batch / 256))


def test_a_batch_beyond_the_paper_is_warned_of() -> None:
    assert not scaled_rate(0.1, LARGE, 256, "linear")[1]
    assert "8193 rows is beyond the 8192" in scaled_rate(0.1, LARGE + 1, 256, "linear")[1]


def test_sgd_follows_the_batch_and_adams_family_its_square_root() -> None:
    assert rule_of("sgd") == "linear"
    assert {rule_of(name) for name in ("adam", "adamw", "rmsprop", "muon")} == {"sqrt"}
