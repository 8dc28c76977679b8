"""What passes between the ends of calls counts for those who wait, and only for them."""

from __future__ import annotations

import pytest

from aimass.serve.batch.pace import Pace


def paced(*, expected: float, passes: float, rests: bool = False) -> float:
    pace, now = Pace(), 100.0
    for _ in range(200):
        now += passes
        pace.took(now, expected)
        if rests:
            pace.rests()
    return pace.factor


def test_nothing_is_known_before_the_second_call() -> None:
    pace = Pace()
    assert pace.factor == 1.0
    pace.took(100.0, 0.001)
    assert pace.factor == 1.0


def test_rows_take_as_much_longer_as_they_took_of_late() -> None:
    assert paced(expected=0.02, passes=0.025) == pytest.approx(1.25, rel=0.01)


def test_nobody_is_promised_more_than_the_model_was_seen_to_do() -> None:
    assert paced(expected=0.02, passes=0.01) == 1.0


def test_what_passes_while_nobody_waits_is_not_counted() -> None:
    assert paced(expected=0.02, passes=10.0, rests=True) == 1.0
