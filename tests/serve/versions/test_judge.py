"""Trials: a version that fails or is slow goes, one that is as good as the old stays, and few answers say nothing."""

from __future__ import annotations

import random

import pytest

from aimass.serve.metrics import Counts
from aimass.serve.versions.judge import Trial


def counts(answers: int, *, faults: int = 0, seconds: float = 0.001) -> Counts:
    found = Counts()
    more(found, answers, faults=faults, seconds=seconds)
    return found


def more(found: Counts, answers: int, *, faults: int = 0, seconds: float = 0.001) -> None:
    for i in range(answers):
        found.request(500 if i < faults else 200, seconds)


def trial(new: Counts, old: Counts, goal: float = 0.0) -> Trial:
    return Trial(new, old, goal, seconds=0.0)


def test_few_answers_say_nothing() -> None:
    found = trial(new := counts(0), counts(1000))
    more(new, 10, faults=10)
    assert found.verdict() is None


def test_more_faults_than_the_old_version_had_are_a_no() -> None:
    found = trial(new := counts(0), counts(1000))
    more(new, 100, faults=20)
    assert "20 of 100 answers were faults" in (found.verdict() or "")


def test_as_many_faults_as_the_old_version_had_are_not() -> None:
    found = trial(new := counts(0), counts(1000, faults=200))
    more(new, 100, faults=20)
    assert found.verdict() == ""


def test_what_was_before_the_trial_does_not_count() -> None:
    found = trial(new := counts(200, faults=200), counts(1000))
    more(new, 100)
    assert found.verdict() == ""


def test_mistakes_of_callers_are_no_faults() -> None:
    found = trial(new := counts(0), counts(1000))
    for _ in range(100):
        new.request(400, 0.001)
    assert found.verdict() == ""


def test_answers_slower_than_was_promised_are_a_no() -> None:
    found = trial(new := counts(0), counts(1000), goal=0.005)
    more(new, 90)
    more(new, 10, seconds=0.02)
    assert "10 of 100 answers took more than 5 ms" in (found.verdict() or "")


def test_without_a_promise_the_old_version_is_the_measure() -> None:
    found = trial(new := counts(0), counts(1000, seconds=0.001))
    more(new, 100, seconds=0.2)
    assert "took more than 10 ms" in (found.verdict() or "")


@pytest.mark.parametrize("seed", range(5))
def test_one_that_is_as_good_is_hardly_ever_sent_back(seed: int) -> None:
    dice = random.Random(seed)
    sent_back = 0
    for _ in range(100):
        found = trial(new := counts(0), counts(1000, faults=10))
        more(new, 200, faults=sum(dice.random() < 0.01 for _ in range(200)))
        sent_back += bool(found.verdict())
    assert sent_back <= 3
