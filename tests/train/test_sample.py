"""Balanced and weighted epochs: quotas by hand, and rows of a class that take turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.core.errors import AimassError, InputError
from aimass.train.sample import quotas, rows_of_epoch, shares_of

TARGETS = st.lists(st.integers(0, 4), min_size=1, max_size=200).map(lambda t: np.array(t, np.int64))
SHARES = st.lists(st.floats(0.01, 100), min_size=5, max_size=5)


def counts_of(keys: np.ndarray, rows: int) -> np.ndarray:
    return np.bincount(keys % rows, minlength=rows)


def test_what_is_left_goes_to_the_largest_remainders() -> None:
    assert quotas(np.array([1.0, 1.0, 1.0]), 10).tolist() == [4, 3, 3]
    assert quotas(np.array([5.0, 3.0, 1.0]), 10).tolist() == [6, 3, 1]  # 5.56, 3.33, 1.11
    assert quotas(np.array([0.0, 1.0, 1.0]), 5).tolist() == [0, 3, 2]


@settings(max_examples=100, deadline=None)
@given(target=TARGETS, shares=SHARES, epoch=st.integers(0, 1000))
def test_each_class_has_its_quota_and_its_rows_take_turns(target: np.ndarray, shares: list[float], epoch: int) -> None:
    rows = len(target)
    keys = rows_of_epoch(7, epoch, target, shares)
    counts, there = counts_of(keys, rows), np.bincount(target, minlength=5) > 0
    expected = quotas(np.array(shares) * there, rows)
    assert expected.sum() == len(keys) == rows
    for number in np.flatnonzero(there):
        mine = counts[target == number]
        assert mine.sum() == expected[number]
        assert mine.max() - mine.min() <= 1


@settings(max_examples=30, deadline=None)
@given(target=TARGETS, epochs=st.integers(1, 12))
def test_over_all_epochs_too_rows_of_a_class_are_seen_as_often(target: np.ndarray, epochs: int) -> None:
    seen = sum(counts_of(rows_of_epoch(3, epoch, target, "balanced"), len(target)) for epoch in range(epochs))
    for number in set(target.tolist()):
        mine = seen[target == number]
        assert mine.max() - mine.min() <= 1


def test_balanced_classes_are_seen_alike() -> None:
    target = np.repeat([0, 1, 2], [90, 9, 1])
    counts = counts_of(rows_of_epoch(0, 0, target, "balanced"), 100)
    assert [int(counts[target == number].sum()) for number in range(3)] == [34, 33, 33]


def test_each_copy_of_a_row_has_a_key_of_its_own() -> None:
    target = np.repeat([0, 1], [90, 10])
    keys = rows_of_epoch(0, 0, target, "balanced")
    assert len(set(keys.tolist())) == 100
    copies = np.sort(keys[keys % 100 == 95]) // 100
    assert copies.tolist() == [0, 1, 2, 3, 4]


def test_an_epoch_is_a_pure_function_and_the_next_one_differs() -> None:
    target = np.repeat([0, 1], [90, 10])
    epochs = [sorted(rows_of_epoch(0, epoch, target, [1.0, 2.0]).tolist()) for epoch in (0, 1, 0)]
    assert epochs[0] == epochs[2] != epochs[1]


def test_masked_rows_are_left_out() -> None:
    target = np.array([0, -100, 1, 0, -100, 0])
    assert set((rows_of_epoch(0, 0, target, "balanced") % 6).tolist()) <= {0, 2, 3, 5}


def test_shares_are_kept_in_the_order_of_the_classes() -> None:
    assert shares_of({"yes": 3, "no": 1}, ("no", "yes")) == [1.0, 3.0]
    assert shares_of("balanced", ("no", "yes")) == "balanced"
    assert shares_of("none", ()) == "none"


@pytest.mark.parametrize(
    ("sampling", "classes", "says"),
    [
        ("balance", ("no", "yes"), "balance"),
        ("balanced", (), "needs classes"),
        ({"no": 1, "yess": 2}, ("no", "yes"), "yess"),
        ({"no": 1}, ("no", "yes"), "no share to yes"),
        ({"no": 1, "yes": 0}, ("no", "yes"), "shares"),
        ({"no": 1, "yes": float("nan")}, ("no", "yes"), "shares"),
    ],
)
def test_a_wrong_setting_is_an_error_that_says_what_is_there(sampling, classes, says: str) -> None:
    with pytest.raises(AimassError, match=says):
        shares_of(sampling, classes)


@pytest.mark.parametrize("target", [np.zeros(4, np.float32), np.zeros((4, 2), np.int64), np.full(4, -100)])
def test_only_one_class_a_row_can_be_sampled_by(target: np.ndarray) -> None:
    with pytest.raises(InputError, match="one class a row"):
        rows_of_epoch(0, 0, target, "balanced")
