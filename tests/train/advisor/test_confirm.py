"""Confirmation: fresh processes, the wider interval, and real time."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from types import SimpleNamespace
from typing import Any

import pytest

import tests
from aimass.core.errors import InputError
from aimass.train.advisor.advise import advise
from aimass.train.advisor.confirm import Sample, answer, confirm, together
from aimass.train.advisor.ratio import ratio_of
from aimass.train.advisor.session import Session
from aimass.train.advisor.watch import Limits, Watch
from tests.train.advisor.fakes import FakeBench, SleepBench, only

CHANGES = {"layout": "channels-last"}
ROOT = Path(tests.__path__[0]).parent


def command(*words: str) -> list[str]:
    code = f"import sys, runpy; sys.path.insert(0, {str(ROOT)!r}); "
    return [sys.executable, "-c", code + "runpy.run_module('tests.train.advisor.child', run_name='__main__')", *words]


def session(words: list[str], seconds: float, fresh: float = 0.1) -> Session:
    bench = SleepBench({("layout", "channels-last", "backward"): 0.2}, fresh_seconds=fresh)
    bench.command = command(*words)
    watch, told = Watch(), []
    made = Session(bench, watch, seconds, Random(0), told.append, watch.now(), step=0.02, processes=1)
    made.limits = Limits(switches=math.inf)
    return made


def test_a_fresh_process_takes_the_pairs_and_its_figure_counts() -> None:
    confirmed = confirm(session([], 90, fresh=25), CHANGES)
    assert confirmed.how.endswith("pairs in 1 fresh process")
    assert confirmed.ratio.pairs >= 20
    assert confirmed.ratio.value > 1.3  # 10 ms against 6 ms, whatever sleeps are worth here


@pytest.mark.parametrize(
    ("words", "reason"),
    [(["crash"], "no such module: lost"), (["silent"], "TimeoutExpired")],
)
def test_a_fresh_process_that_fails_is_said_and_the_pairs_are_taken_here(words: list[str], reason: str) -> None:
    made = session(words, 60 if words == ["crash"] else 5, fresh=0.1 if words == ["silent"] else 25)
    told: list[str] = []
    made.note = told.append
    confirmed = confirm(made, CHANGES)
    assert reason in confirmed.how and "in the same process" in confirmed.how
    assert any(reason in line for line in told)
    assert made.bench.open == 0  # type: ignore[attr-defined]


def test_a_process_with_another_plan_is_no_witness() -> None:
    request = {"plan": "another", "room": {}, "changes": {}, "seed": 0, "seconds": 1, "switches": 0}
    with pytest.raises(InputError, match="another plan"):
        answer(FakeBench(), request, 0.0)


def processes_of(bench: FakeBench, *starts: float, slower: float = 1.0) -> Callable[..., Any]:
    """In the place of `subprocess.run`: fresh processes on the clock of BENCH, each after so many seconds.

    SLOWER: how many times longer a step takes there than the asker thinks.
    """
    waiting = list(starts)

    def run(command: list[str], *, input: str, timeout: float, **_: Any) -> Any:
        begin, start, bench.scale = bench.time, waiting.pop(0), slower
        bench.time += min(start, timeout)
        found = answer(bench, json.loads(input), start, bench.watch) if start < timeout else {}
        bench.scale = 1.0
        if not found or bench.time > begin + timeout:
            bench.time = begin + timeout
            raise subprocess.TimeoutExpired(command, timeout)
        return SimpleNamespace(stdout=json.dumps(found), stderr="", returncode=0)

    return run


@pytest.mark.parametrize(
    ("seconds", "starts", "slower", "how"),
    [
        (17, [], 1, r"\d\d pairs of fresh trials in the same process \(17 s are too few for a fresh one\)"),
        (30, [4], 1, r"\d\d pairs in 1 fresh process"),
        (30, [14], 1, r"\d\d pairs of .* \(a fresh one began after 14 s and had time for 0 of 20\)"),
        (30, [30], 1, r"\d\d pairs of .* \(the fresh process gave no answer: TimeoutExpired\)"),
        (30, [5], 20, r"1?\d pairs in 1 fresh process and \d\d pairs of fresh trials in the same process .*"),
        (60, [2, 2, 2], 1, r"1?\d\d pairs in 3 fresh processes"),
        (60, [12, 12, 12], 1, r"\d+ pairs in \d fresh process(es)?"),
        (60, [30], 1, r"\d\d pairs of .* TimeoutExpired\)"),
    ],
)
def test_a_budget_is_never_spent_on_processes_that_cannot_give_twenty_pairs(
    seconds: float, starts: list[float], slower: float, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = FakeBench({("layout", "channels-last", "backward"): 0.3})
    bench.command = ["python"]
    monkeypatch.setattr(subprocess, "run", processes_of(bench, *starts, slower=slower))
    advice = advise(bench, seconds=seconds, watch=bench.watch, table=[only()])
    assert re.fullmatch(how, advice.how), advice.how
    assert advice.verdict == "adopted" and advice.ratio and advice.ratio.pairs >= 20
    assert advice.seconds <= 1.1 * seconds


def test_with_three_processes_the_wider_of_the_two_intervals_counts() -> None:
    def sample(shift: float) -> Sample:
        return Sample([shift + 0.001 * i for i in range(-10, 11)], 1, 0.0, 0)

    near, far = [sample(s) for s in (0.2, 0.2, 0.2)], [sample(s) for s in (0.1, 0.2, 0.3)]
    pooled = ratio_of([log for s in near for log in s.logs], 3)
    assert together(near) == pooled
    middle, half = fmean([0.1, 0.2, 0.3]), 4.303 * stdev([0.1, 0.2, 0.3]) / math.sqrt(3)
    ratio = together(far)
    assert (ratio.low, ratio.high) == (pytest.approx(math.exp(middle - half)), pytest.approx(math.exp(middle + half)))
    assert ratio.dropped == 3
    assert together(far[:2]).high < ratio.high  # two cannot tell their own spread


def test_the_search_is_never_believed_without_its_confirmation() -> None:
    class Lucky(FakeBench):
        """Fast while it is searched, no faster in fresh trials: built after the third."""

        def build(self, plan: Any) -> Any:
            trial = super().build(plan)
            if self.built > 3:
                trial.plan = self.plan
            return trial

    bench = Lucky({("layout", "channels-last", "backward"): 0.5})
    advice = advise(bench, seconds=30, watch=bench.watch, table=[only()])
    assert advice.rows[0].ratio and advice.rows[0].ratio.low > 1.2
    assert advice.verdict == "kept" and advice.rows[0].decision == "refused"
    assert "not confirmed" in advice.rows[0].reason and advice.ratio and advice.ratio.value < 1.05
    assert advice.plan.layout == "contiguous"


@pytest.mark.parametrize("gain", [0.5, 1.0])
def test_in_real_time_half_the_backward_pass_is_found_and_nothing_is_made_up(gain: float) -> None:
    bench = SleepBench({("layout", "channels-last", "backward"): gain})
    advice = advise(bench, seconds=10, table=[only()])
    assert advice.verdict in (("adopted", "too noisy") if gain < 1 else ("kept", "too noisy")), advice.reason
    assert advice.seconds < 1.1 * 10
