"""A run that becomes slower says so, once a drift; one whose looks differ by chance does not."""

from __future__ import annotations

import random
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import aimass
from aimass.train import pulse
from aimass.train.drift import IN_A_ROW, SETTLED, WARM_UP, Drift
from aimass.train.plan import Origin, Plan
from aimass.train.pulse import Pulse

SAFE = Plan(rows=96, batch=32, epochs=5, steps=3, seed=0)
MEASURED = SAFE.having(Origin("measured", 1.5, 1.2, 1.8), precision="bf16")
FIRST = [0.5] * WARM_UP + [0.010, 0.011, 0.012, 0.010, 0.009] * (SETTLED // 5)


def lines_of(plan: Plan, looks: list[float]) -> list[tuple[int, str]]:
    """What is said, by the number of the look."""
    drift = Drift(plan)
    return [(number, line) for number, seconds in enumerate(looks) for line in drift.look(seconds, 0)]


def test_steps_that_stay_slower_than_any_at_first_are_told_once_with_by_how_much() -> None:
    ((number, line),) = lines_of(SAFE, [*FIRST, *[0.013] * 500])
    assert number == len(FIRST) + IN_A_ROW - 1
    assert (
        line.startswith("a step takes 0.013 s by now, 30% more than the 0.01 s at first: ") and "aimass advise" in line
    )


def test_a_single_quicker_look_among_slow_ones_is_no_drift() -> None:
    assert lines_of(SAFE, [*FIRST, *[*[0.013] * (IN_A_ROW - 1), 0.012] * 20]) == []


def test_what_the_measured_interval_leaves_open_was_promised() -> None:
    """1.5 times as fast, 1.2 at the lower end: a quarter slower than at first is still within it."""
    assert lines_of(MEASURED, [*FIRST, *[0.0124] * 100]) == []
    ((_, line),) = lines_of(MEASURED, [*FIRST, *[0.0126] * 100])
    assert "26% more than the 0.01 s at first; accelerations had made it 1.50 times as fast: " in line


def test_a_second_drift_is_told_after_the_first_was_over() -> None:
    slow, quick = [0.02] * IN_A_ROW, [0.01] * IN_A_ROW
    assert len(lines_of(SAFE, [*FIRST, *slow, *quick[1:], *slow])) == 1
    assert len(lines_of(SAFE, [*FIRST, *slow, *quick, *slow])) == 2


@pytest.mark.parametrize("seed", range(3))
def test_an_hour_of_looks_that_differ_by_chance_says_nothing(seed: int) -> None:
    chance = random.Random(seed)
    assert lines_of(SAFE, [0.01 * chance.lognormvariate(0, 0.3) for _ in range(3600)]) == []


def test_graphs_compiled_after_the_first_epoch_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = {"stats": {"unique_graphs": 5}}
    monkeypatch.setitem(sys.modules, "torch._dynamo.utils", SimpleNamespace(counters=counted))
    drift, said = Drift(SAFE), []
    for epoch, graphs in ((0, 7), (0, 9), (1, 9), (1, 9), (2, 12), (2, 15)):
        counted["stats"]["unique_graphs"] = graphs
        said.append(drift.look(0.01, epoch))
    assert [len(lines) for lines in said] == [0, 0, 0, 0, 1, 0]
    assert said[4][0].startswith("torch compiled 3 more graphs in epoch 3")


def test_what_a_resumed_run_compiles_in_its_first_epoch_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = {"stats": {"unique_graphs": 0}}
    monkeypatch.setitem(sys.modules, "torch._dynamo.utils", SimpleNamespace(counters=counters))  # type: ignore[misc]
    drift, said = Drift(SAFE), []
    for epoch, graphs in ((3, 1), (3, 2), (4, 2), (4, 2), (5, 3)):
        counters["stats"]["unique_graphs"] = graphs
        said += drift.look(0.01, epoch)
    assert [line.split(",")[0] for line in said] == ["torch compiled 1 more graphs in epoch 6"]


def test_a_run_without_a_compiler_never_imports_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch._dynamo.utils", raising=False)
    assert Drift(SAFE).look(0.01, 3) == [] and "torch._dynamo.utils" not in sys.modules


def test_the_loop_tells_its_log_of_a_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(clock: Pulse) -> float:
        """A step takes 100 seconds, from the 21st on 300: what this machine really takes is nothing beside them."""
        return 100.0 * clock.state.done + 200.0 * max(0, clock.state.done - 20)

    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)
    monkeypatch.setattr(pulse, "SAVE_EVERY", 1e9)
    monkeypatch.setattr(Pulse, "seconds", seconds)
    X, y = torch.zeros(40, 2), torch.arange(40) % 2
    (line,) = aimass.fit(nn.Linear(2, 2), (X, y), epochs=10, batch=10, threads=1, advise="off").log
    assert line.startswith("a step takes 300 s by now, 200% more than the 100 s at first")
