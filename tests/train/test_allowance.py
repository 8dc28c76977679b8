"""How long advice may take, of a run whose steps are known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aimass.train import allowance
from aimass.train.advisor.at_once import price
from aimass.train.plan import Plan

FACTS = {"device": "cpu", "flags": ["amx_bf16"], "has_convolutions": True}
PLAN = Plan(rows=60_000, batch=128, epochs=3, steps=469, seed=0)


class Bench:
    """Steps of 30 ms, GAIN times fewer in bf16 and channels last, on a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, plan: Plan, gain: float, ranks: int = 1) -> None:
        self.plan, self.gain, self.facts, self.time, self.built = plan, gain, FACTS, 0.0, 0
        self.job, self.placement = SimpleNamespace(device=SimpleNamespace(type="cpu")), SimpleNamespace(world=ranks)
        monkeypatch.setattr(allowance.time, "perf_counter", lambda: self.time)

    def build(self, plan: Plan) -> Any:
        self.built += 1
        step = 0.03 / (self.gain if (plan.precision, plan.layout) == ("bf16", "channels-last") else 1)
        return SimpleNamespace(steps=lambda count: self.pass_(count * step), close=lambda: None)

    def pass_(self, seconds: float) -> None:
        self.time += seconds


@pytest.mark.parametrize(
    ("epochs", "gain", "seconds"),
    [
        (40, 1.5, 28.1),  # a twentieth of 563 s is enough, whatever is gained
        (100, 1.0, 60.0),
        (3, 1.0, 2.1),  # nothing to win: no more than a twentieth of 42 s
        (3, 1.5, 8.0),  # a third of 42 s to win: its price
        (1, 1.5, 0.7),  # a third of 14 s to win: not its price
        (3, 1.15, 2.1),
    ],
)
def test_a_twentieth_of_the_run_or_the_price_of_one_comparison_that_pays_back(
    monkeypatch: pytest.MonkeyPatch, epochs: int, gain: float, seconds: float
) -> None:
    bench: Any = Bench(monkeypatch, PLAN.having(epochs=epochs), gain)
    assert allowance.allowance(bench) == pytest.approx(seconds, abs=0.3)


def test_a_run_of_few_steps_is_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    bench: Any = Bench(monkeypatch, PLAN.having(epochs=3, steps=8), 2.0)
    assert allowance.allowance(bench) == 0.0 and bench.built == 0


@pytest.mark.parametrize("epochs", range(4, 40))
def test_whatever_is_allowed_is_enough_for_a_comparison_or_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    bench: Any = Bench(monkeypatch, PLAN.having(epochs=epochs), 1.5)
    assert allowance.allowance(bench) >= allowance.SPARE * price(0.03, 0.06, 0.0)


def test_where_minutes_end_the_run_they_are_what_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    bench: Any = Bench(monkeypatch, PLAN.having(epochs=1000, minutes=1.0), 1.0)
    assert allowance.allowance(bench) == pytest.approx(3.0)


def test_several_ranks_do_not_glance_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    bench: Any = Bench(monkeypatch, PLAN, 1.5, ranks=2)
    assert allowance.allowance(bench) == pytest.approx(2.1, abs=0.1) and bench.built == 1
