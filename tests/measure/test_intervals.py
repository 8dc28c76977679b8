"""Intervals: the exact ranks of quantiles, and how often each interval holds the truth."""

import numpy as np
import pytest

from aimass.measure.intervals import quantile_figure, quantile_ranks, ratio_figure, student, wilson


@pytest.mark.parametrize(
    ("n", "ranks"),
    [
        (1000, (983, 997)),
        (2000, (1971, 1989)),
        (5000, (4936, 4964)),
        (299, (289, 299)),
        (298, (291, None)),
        (20, (19, None)),
    ],
)
def test_the_99th_percentile_lies_between_these_ranks(n: int, ranks: tuple[int, int | None]) -> None:
    assert quantile_ranks(n, 0.99) == ranks


def test_the_median_of_1000_samples_lies_between_ranks_469_and_532() -> None:
    assert quantile_ranks(1000, 0.5) == (469, 532)


@pytest.mark.parametrize("n", [299, 366, 367, 1000, 2000])
def test_the_ranks_keep_their_promise_by_direct_summation(n: int) -> None:
    from math import comb

    low, high = quantile_ranks(n, 0.99)
    assert low is not None and high is not None
    inside = sum(comb(n, k) * 0.99**k * 0.01 ** (n - k) for k in range(low, high))
    assert inside >= 0.95


def test_too_few_samples_give_no_upper_bound_and_say_so() -> None:
    figure = quantile_figure(np.arange(200.0), 0.99)
    assert figure.high is None and figure.low is not None
    assert figure.as_json()["reason"] == "no upper bound is estimable from 200 samples"


def test_a_quantile_is_an_order_statistic_with_its_bounds() -> None:
    samples = np.random.default_rng(1).permutation(np.arange(1.0, 1001.0))
    assert quantile_figure(samples, 0.99).as_json() == {"value": 990.0, "low": 983.0, "high": 997.0, "n": 1000}
    assert quantile_figure(samples, 0.5).value == 500.0


def test_the_p99_interval_holds_the_true_p99_95_times_in_100() -> None:
    random = np.random.default_rng(2)
    true = -np.log(0.01)  # 99th percentile of the exponential distribution
    held = 0
    for _ in range(400):
        figure = quantile_figure(random.exponential(size=500), 0.99)
        held += figure.low <= true <= figure.high
    assert held / 400 >= 0.93


@pytest.mark.parametrize(("share", "n"), [(0.0, 20), (1.0, 20), (0.93, 10_000), (0.5, 2)])
def test_a_proportion_lies_inside_its_interval_and_the_interval_inside_0_and_1(share: float, n: int) -> None:
    low, high = wilson(share, n)
    assert 0 <= low <= share <= high <= 1 and low < high


def test_a_proportions_interval_is_wilsons() -> None:
    assert wilson(0.5, 100) == pytest.approx((0.40383, 0.59617), abs=1e-5)


def blocks(random: np.random.Generator, scale: float) -> list[np.ndarray]:
    """Five processes of twenty blocks; each process has luck of its own."""
    return [scale * random.lognormal(0, 0.05) * random.lognormal(0, 0.02, size=20) for _ in range(5)]


def test_a_ratio_interval_holds_the_true_ratio_though_each_process_has_its_own_luck() -> None:
    random, held = np.random.default_rng(3), 0
    for _ in range(200):
        figure = ratio_figure(blocks(random, 0.9), blocks(random, 1.0), draws=200)
        held += figure.low <= 0.9 <= figure.high
    assert held / 200 >= 0.91


@pytest.mark.parametrize(
    ("freedom", "t"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (19, 2.093), (1000, 1.962)],
)
def test_students_t_is_that_of_the_tables(freedom: int, t: float) -> None:
    assert student(freedom) == pytest.approx(t, rel=0.001)


def test_a_ratio_below_one_means_faster_and_pairing_removes_what_both_share() -> None:
    random = np.random.default_rng(4)
    base = [random.lognormal(0, 1.0, size=20) for _ in range(5)]
    figure = ratio_figure([0.5 * b for b in base], base)
    assert figure.value == pytest.approx(0.5) and figure.high - figure.low < 1e-9 and figure.n == 100


def test_one_process_gives_a_ratio_without_bounds_and_says_so() -> None:
    figure = ratio_figure([np.full(20, 0.5)], [np.ones(20)])
    assert figure.value == pytest.approx(0.5) and (figure.low, figure.high) == (None, None)
    assert figure.reason == "no bound is estimable from one process"


def test_the_same_blocks_give_the_same_interval() -> None:
    a, b = blocks(np.random.default_rng(5), 1.0), blocks(np.random.default_rng(6), 1.0)
    assert ratio_figure(a, b) == ratio_figure(a, b)
