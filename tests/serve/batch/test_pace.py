"""Time that passes between calls counts for those who wait, and only for them."""

from __future__ import annotations

import pytest

from aimass.serve.batch.pace import Pace


def paced(calls: int, called: float, between: float, rests: bool = False) -> Pace:
    pace, now = Pace(), 100.0
    for _ in range(calls):
        pace.begins(now)
        now += called
        pace.ends(now)
        if rests:
            pace.rests()
        now += between
    return pace


def test_nothing_is_known_before_the_first_call() -> None:
    assert Pace().factor == 1.0


def test_calls_that_follow_one_another_take_no_longer_than_they_do() -> None:
    assert paced(50, called=0.02, between=0.0).factor == 1.0


def test_what_passes_between_them_is_added() -> None:
    assert paced(200, called=0.02, between=0.005).factor == pytest.approx(1.25, rel=0.01)


def test_what_passes_while_nobody_waits_is_not() -> None:
    assert paced(50, called=0.02, between=10.0, rests=True).factor == 1.0
