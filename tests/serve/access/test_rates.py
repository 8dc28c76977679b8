"""Buckets: never more than a rate and a burst, whatever the clock does, and all of it to who waits."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.serve.access.rates import Bucket
from aimass.serve.access.tally import NEVER, Tally

RATES = st.floats(0.1, 1000)
BURSTS = st.floats(0.01, 10)
MOMENTS = st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), max_size=60)


@given(rate=RATES, burst=BURSTS, asked=MOMENTS)
@settings(deadline=None)
def test_within_any_time_at_most_the_rate_and_a_burst_is_given(
    rate: float, burst: float, asked: list[tuple[float, int]]
) -> None:
    bucket, now = Bucket(rate, burst), 0.0
    given_: list[tuple[float, int]] = []
    for pause, amount in asked:
        now += pause
        if bucket.wait(amount, now) == 0:
            bucket.take(amount, now)
            given_.append((now, amount))
    for i, (begin, _) in enumerate(given_):
        for j in range(i, len(given_)):
            amount = sum(one for _, one in given_[i : j + 1])
            assert amount <= rate * (given_[j][0] - begin) + bucket.size + 1e-4


@given(rate=RATES, burst=BURSTS, amounts=st.lists(st.integers(1, 20), max_size=30))
@settings(deadline=None)
def test_who_waits_as_long_as_told_is_served_and_not_much_sooner(rate: float, burst: float, amounts: list[int]) -> None:
    bucket, now = Bucket(rate, burst), 100.0
    for amount in amounts:
        seconds = bucket.wait(amount, now)
        if amount > bucket.size:
            assert seconds == math.inf
            continue
        if seconds:
            assert bucket.wait(amount, now + seconds * 0.99 - 1e-6) > 0
            now += seconds + 1e-9 * now
        assert bucket.wait(amount, now) <= 1e-6 / rate + 1e-6
        bucket.take(min(amount, bucket.left(now)), now)


@given(moments=st.lists(st.floats(0, 100), max_size=50))
@settings(deadline=None)
def test_a_clock_that_goes_back_fills_nothing(moments: list[float]) -> None:
    bucket, taken = Bucket(1, 5), 0
    for now in moments:
        while bucket.wait(1, now) == 0:
            bucket.take(1, now)
            taken += 1
    assert taken <= 5 + (max(moments, default=0) - (moments or [0])[0])


def test_a_bucket_is_full_at_first_and_again_after_a_while() -> None:
    bucket = Bucket(10, 2)
    assert bucket.wait(20, 0.0) == 0
    bucket.take(20, 0.0)
    assert bucket.wait(1, 0.0) == 0.1
    assert bucket.wait(20, 2.0) == 0 and bucket.wait(20, 1000.0) == 0
    assert bucket.left(1000.0) == 20


def test_what_was_taken_stays_taken_when_the_rate_changes() -> None:
    tally = Tally([NEVER])
    Bucket(10, 1, tally).take(10, 0.0)
    assert Bucket(20, 1, tally).left(0.0) == 0 and Bucket(20, 1, tally).wait(10, 0.0) == 0.5
    assert Bucket(10, 1, tally).left(0.0) == 0 and Bucket(10, 1, tally).left(1.0) == 10


def test_who_took_too_much_waits_for_it() -> None:
    bucket = Bucket(10, 1)
    bucket.take(15, 0.0)
    assert bucket.left(0.0) == -5 and bucket.wait(1, 0.0) == 0.6


def test_what_is_given_back_never_makes_more_than_a_burst() -> None:
    bucket = Bucket(10, 1)
    bucket.take(-100, 0.0)
    assert bucket.wait(11, 1.0) == math.inf and bucket.left(1.0) == 10
