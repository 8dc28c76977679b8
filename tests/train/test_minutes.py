"""A limit in minutes that not even the first epoch keeps: the run ends near it, by a rate that falls for that end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import aimass
from aimass.core.errors import Stopped
from aimass.train import pulse
from aimass.train.fit import Fitted
from aimass.train.metrics import Reporter
from aimass.train.optimizer import build_optimizer, groups_of
from aimass.train.parallel.single import Single
from aimass.train.plan import Plan
from aimass.train.pulse import Pulse
from aimass.train.state import State

STEP = 0.25  # seconds, by a clock that follows the steps; a power of two, so that no sum is rounded
STEPS = 32


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks after every step, and a clock of steps, which checkpoints do not move."""
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)
    monkeypatch.setattr(pulse, "SAVE_EVERY", 1e9)
    monkeypatch.setattr(Pulse, "seconds", lambda clock: STEP * clock.state.done)

    def saved(clock: Pulse, _took: float) -> None:
        clock._saved = time.monotonic()

    monkeypatch.setattr(Pulse, "saved", saved)


def fit(minutes: float, **given: Any) -> Fitted:
    torch.manual_seed(0)
    X, y = torch.randn(8 * STEPS, 3), torch.arange(8 * STEPS) % 3
    usual = {"epochs": 20, "batch": 8, "minutes": minutes, "threads": 1, "advise": "off"}
    return aimass.fit(nn.Linear(3, 3), (X, y), **{**usual, **given})


def rates_of(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The rate of each step of a run to come."""
    found: list[float] = []
    inner = Plan.rate

    def rate(plan: Plan, step: int, epochs: float) -> float:
        found.append(inner(plan, step, epochs))
        return found[-1]

    monkeypatch.setattr(Plan, "rate", rate)
    return found


def test_a_first_epoch_longer_than_the_limit_is_cut_and_the_rate_falls_for_its_end(
    clocked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = rates_of(monkeypatch)
    result = fit(12 * STEP / 60)  # 12 of 32 steps
    assert len(rates) == 13  # the step after which the time was up
    assert result.facts["stopped"] == "the 0.05 minutes allowed 0.406 of 20 epochs"
    plan = result.plan
    assert max(rates) > 0.99 * plan.learning_rate and rates[12] == pytest.approx(plan.learning_rate / 1000)
    # Before the second look nobody knows how long a step takes; from then on the cycle is that of twelve steps.
    assert rates[2:12] == [plan.rate(step, 12 / STEPS) for step in range(2, 12)]
    assert result.facts["best_epoch"] == 1 and result.history[-1]["loss"] > 0


def test_one_slow_step_at_first_bends_no_rate(clocked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(clock: Pulse) -> float:
        """9 for the step that compiles; an epoch takes 8 more."""
        return STEP * clock.state.done + 9.0 * (clock.state.done > 0)

    monkeypatch.setattr(Pulse, "seconds", seconds)
    free, limited = fit(0.0, epochs=2), fit(0.6, epochs=2)
    assert limited.facts["stopped"] == "all epochs done"
    assert torch.equal(free.module.weight, limited.module.weight)


def test_a_pace_that_gets_better_lets_the_epoch_end_with_the_rate_of_a_whole_one(
    clocked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds(clock: Pulse) -> float:
        """A step takes four times as long in the first eight steps."""
        done = clock.state.done
        return STEP * (done + 3 * min(done, 8))

    monkeypatch.setattr(Pulse, "seconds", seconds)
    rates = rates_of(monkeypatch)
    result = fit(60 * STEP / 60)  # 15 of the slow steps, 8 slow and 28 quick ones
    assert len(rates) == STEPS and result.facts["stopped"] == "the 0.25 minutes allowed 1 of 20 epochs"
    assert rates[9:] == [result.plan.rate(step, 1.0) for step in range(9, STEPS)]


@pytest.mark.parametrize(("at", "then"), [(2, "epoch 1, step 3"), (12, "epoch 1, step 13"), (13, "epoch 2, step 1")])
def test_a_cut_run_that_was_stopped_goes_on_bit_for_bit(
    clocked: None, at: int, then: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is asked to stop just when its time is up."""
    inner = Pulse.look

    def look(clock: Pulse, stop: bool) -> None:
        if clock.state.done == at:
            reporters[-1].failed = Stopped("asked to stop")
        inner(clock, stop or clock.state.done == at)

    reporters: list[Reporter] = []
    made = Reporter.__init__

    def make(reporter: Reporter, ctx: Any) -> None:
        reporters.append(reporter)
        made(reporter, ctx)

    whole = fit(12 * STEP / 60)
    with monkeypatch.context() as patched:
        patched.setattr(Reporter, "__init__", make)
        patched.setattr(Pulse, "look", look)
        with pytest.raises(Stopped):
            fit(12 * STEP / 60, resume=tmp_path)
    again = fit(12 * STEP / 60, resume=tmp_path)
    assert again.log[0] == f"going on at {then}" and again.facts == whole.facts
    assert torch.equal(whole.module.weight, again.module.weight)


class Told(Single):
    """Rank 1 of 2, where rank 0 says what the reductions give."""

    def __init__(self, numbers: list[float]) -> None:
        super().__init__(torch.device("cpu"))
        self.rank, self.world, self.numbers = 1, 2, numbers

    def reduce(self, values: Tensor) -> Tensor:
        assert not values.any(), "only rank 0 adds something"
        return values + torch.tensor(self.numbers)


def test_every_rank_plans_and_ends_by_the_clock_of_rank_0(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(rows=256, batch=8, epochs=20, steps=STEPS, seed=0, minutes=1.0)
    module = nn.Linear(3, 3)
    usual = {"momentum": 0.0, "nesterov": False, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "update": "fused"}
    state = State(module, plan, build_optimizer("adamw", groups_of(module, 0.1), **usual), torch.device("cpu"))
    placement = Told([0.0, 0.0, 0.0, 3.0, 0.40625])
    mine = Pulse(state, placement)
    monkeypatch.setattr(Pulse, "seconds", lambda clock: 1e6)  # its own would have it end at once
    state.step = 10
    mine.look(False)
    assert (mine.over, state.epochs) == (False, 0.40625)
    state.step = 12
    assert not mine.due()
    state.step = 13
    assert mine.due()
    placement.numbers = [0.0, 1.0, 0.0, 1.0, 13 / STEPS]
    mine.look(False)
    assert mine.over and state.epochs == 13 / STEPS
    assert state.why_stop() == ""
    state.end_epoch(1.0)
    state.fit_epochs(1e6)
    assert state.why_stop() == "the 1 minutes allowed 0.406 of 20 epochs"
