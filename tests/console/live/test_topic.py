"""Numbered news: who was away gets what it lacks, once, or is told to load again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.console.live import topic
from aimass.console.live.topic import Topic


@given(st.lists(st.integers(0, 6), max_size=30))
def test_whoever_comes_and_goes_has_everything_once_and_in_order(goes: list[int]) -> None:
    news = Topic("runs")
    seen, got, told = news.n, list[int](), 0
    for many in goes:
        for _ in range(many):
            news.tell(told)
            told += 1
        texts = news.since(seen)
        assert texts is not None
        got += [json.loads(text)["data"] for text in texts]
        seen = news.n
    assert got == list(range(told))


def test_what_is_too_old_or_of_another_start_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic, "MOST", 3)
    news = Topic("runs")
    first = news.n
    for number in range(5):
        news.tell(number)
    assert news.since(first) is None and news.since(news.n + 1) is None and news.since(0) is None
    assert [json.loads(text)["data"] for text in news.since(first + 2) or []] == [2, 3, 4]
    assert news.since(news.n) == []
    assert json.loads(news.reset()) == {"topic": "runs", "reset": True, "n": news.n}


def test_numbers_of_a_later_start_are_greater() -> None:
    before = Topic("runs")
    for number in range(50):
        before.tell(number)
    news = Topic("runs")
    news.n = max(news.n, before.n + 1)  # fifty messages in the same millisecond are no program's
    assert before.since(news.n) is None and news.since(before.n) is None


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic, "LARGEST", 10_000)
    news = Topic("run/1")
    for _ in range(100):
        news.tell("x" * 1000)
    assert news.size <= 10_000 and news.size == sum(map(len, news.kept))


def test_no_number_that_json_lacks_reaches_a_page() -> None:
    news = Topic("runs")
    news.tell({"loss": float("nan"), "text": "</script>\u2028😀"})
    assert json.loads((news.since(news.n - 1) or [""])[0])["data"]["loss"] is None
