"""How long a call takes, from calls that were seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.serve.batch.profile import Profile


def learned(*calls: tuple[int, float]) -> Profile:
    profile = Profile()
    for rows, seconds in calls:
        profile.learn(rows, seconds)
    return profile


def test_a_size_that_was_seen_is_expected_as_it_was() -> None:
    profile = learned((1, 1e-5), (32, 1e-4))
    assert profile.expected(1) == 1e-5 and profile.expected(32) == 1e-4


@given(rows=st.integers(1, 10_000), fixed=st.floats(0, 1e-3), a_row=st.floats(1e-7, 1e-4))
def test_a_size_that_was_not_seen_is_rather_expected_too_long(rows: int, fixed: float, a_row: float) -> None:
    profile = learned(*[(size, fixed + a_row * size) for size in (1, 4, 16, 64, 256)])
    assert profile.expected(rows) >= 0.999 * (fixed + a_row * rows)


def test_it_follows_a_model_that_became_slower() -> None:
    profile = learned((8, 1e-4), *[(8, 3e-4)] * 60)
    assert profile.expected(8) == pytest.approx(3e-4, rel=0.01)


def test_one_slow_call_in_a_hundred_does_not_count_as_slow_and_one_in_ten_does() -> None:
    rare = learned(*([(8, 1e-4)] * 99 + [(8, 1e-2)]) * 20)
    often = learned(*([(8, 1e-4)] * 9 + [(8, 1e-2)]) * 200)
    assert rare.slow(8) < 1e-3 < 5e-3 < often.slow(8)


def test_the_largest_call_that_fits() -> None:
    profile = learned(*[(rows, 1e-4 * rows) for rows in (1, 2, 4, 8, 16, 32, 64)])
    assert profile.most(0.002, 1024) == 16
    assert profile.most(1e-6, 1024) == 1
    assert profile.most(1.0, 32) == 32
