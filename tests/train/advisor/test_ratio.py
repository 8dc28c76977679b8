"""Statistics of pairs, against formulas written out and laws that hold for all numbers."""

from __future__ import annotations

import math
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.train.advisor.ratio import Ratio, holm, lag_one, ratio_of, run_length, sign_test

LOGS = st.lists(st.floats(-1, 1), min_size=6, max_size=40)


def test_twelve_pairs_give_the_third_to_the_tenth_value() -> None:
    logs = [0.01 * i for i in (5, 1, 9, 3, 11, 7, 2, 12, 4, 10, 6, 8)]
    ratio = ratio_of(logs)
    assert ratio.value == pytest.approx(math.exp(0.065))
    assert (ratio.low, ratio.high) == (pytest.approx(math.exp(0.03)), pytest.approx(math.exp(0.10)))
    assert ratio.run == 1


@pytest.mark.parametrize("count", range(6))
def test_fewer_than_six_pairs_have_no_interval(count: int) -> None:
    assert not ratio_of([0.1] * count).bounded


@given(LOGS)
def test_the_estimate_lies_in_its_interval_and_turning_the_pairs_round_turns_the_ratio_round(logs: list[float]) -> None:
    ratio, back = ratio_of(logs), ratio_of([-log for log in logs])
    assert ratio.low <= ratio.value <= ratio.high
    assert back.value == pytest.approx(1 / ratio.value)
    assert (back.low, back.high) == (pytest.approx(1 / ratio.high), pytest.approx(1 / ratio.low))


@given(LOGS)
def test_more_confidence_never_narrows_an_interval(logs: list[float]) -> None:
    wide, narrow = ratio_of(logs, confidence=0.99), ratio_of(logs)
    assert not wide.bounded or (wide.low <= narrow.low and narrow.high <= wide.high)


@given(LOGS)
def test_a_ratio_comes_back_from_its_json(logs: list[float]) -> None:
    ratio = ratio_of(logs)
    back = Ratio.from_json(ratio.as_json())
    assert back.value == pytest.approx(ratio.value, abs=1e-6)
    assert back.bounded == ratio.bounded


def test_the_interval_of_independent_pairs_holds_the_truth_as_often_as_it_says() -> None:
    random = Random(0)
    held = sum(
        r.low <= 1 <= r.high for r in (ratio_of([random.gauss(0, 0.03) for _ in range(12)]) for _ in range(1000))
    )
    assert held >= 940  # 96 % by the ranks


def test_correlated_pairs_hold_the_truth_more_often_in_runs_than_alone() -> None:
    random, held, alone = Random(1), 0, 0
    for _ in range(400):
        mood, logs = random.gauss(0, 0.03), []
        for _ in range(40):
            mood = 0.7 * mood + random.gauss(0, 0.03 * math.sqrt(1 - 0.49))
            logs.append(mood)
        ratio, ordered = ratio_of(logs), sorted(logs)
        held += ratio.low <= 1 <= ratio.high
        alone += ordered[13] <= 0 <= ordered[26]  # ranks 14 and 27 of 40
    assert alone < 0.75 * 400 < 0.88 * 400 <= held


def test_neighbours_that_resemble_each_other_make_runs() -> None:
    assert run_length([0.0, 1.0] * 6) == 1
    assert run_length([0.0] * 6 + [1.0] * 6) > 1
    assert lag_one([1.0] * 12) == 0.0
    values = [1.0, 2.0, 4.0, 3.0, 5.0, 4.0, 6.0, 8.0]
    centre = sum(values) / 8
    top = sum((values[i] - centre) * (values[i + 1] - centre) for i in range(7))
    assert lag_one(values) == pytest.approx(top / sum((v - centre) ** 2 for v in values))


def test_too_few_runs_fall_back_on_the_range_of_all_pairs() -> None:
    logs = [0.01 * i for i in range(9)]
    ratio = ratio_of(logs)
    assert ratio.run > 1
    assert (ratio.low, ratio.high) == (pytest.approx(1.0), pytest.approx(math.exp(0.08)))
    assert ratio.value == pytest.approx(math.exp(median(logs)))


def test_the_sign_test_counts_coins() -> None:
    assert sign_test([1.0] * 10) == pytest.approx(2**-10)
    assert sign_test([1.0] * 9 + [-1.0]) == pytest.approx(11 / 2**10)
    assert sign_test([-1.0] * 5) == 1.0


def test_holm_steps_down_from_the_smallest() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.02}) == {"a", "b", "c"}  # 0.05/3, 0.05/2, 0.05
    assert holm({"a": 0.01, "b": 0.06, "c": 0.02}) == {"a", "c"}
    assert holm({"a": 0.02, "b": 0.02, "c": 0.02}) == set()


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=8))
def test_holm_lies_between_bonferroni_and_no_correction(chances: dict[str, float]) -> None:
    fallen = holm(chances)
    assert {n for n, c in chances.items() if c <= 0.05 / len(chances)} <= fallen
    assert fallen <= {n for n, c in chances.items() if c <= 0.05}
