"""What a server tells of itself is read back as it was counted, and percentiles stand where they must."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.console.endpoints.figures import Counted, counted, told
from aimass.serve.metrics import BUCKETS, Counts
from aimass.serve.observe.exposition import exposition

ANSWERS = st.lists(st.tuples(st.sampled_from([200, 400, 429, 500, 503]), st.floats(0, 20)), max_size=60)


def text(*answers: tuple[int, float], model: str = "m", version: str = "1") -> str:
    return exposition([counts(*answers, model=model, version=version), Counts()]).decode()


def counts(*answers: tuple[int, float], model: str = "m", version: str = "1") -> Counts:
    found = Counts(model, version)
    for status, seconds in answers:
        found.request(status, seconds)
    return found


@given(ANSWERS)
def test_what_was_counted_is_read_back(answers: list[tuple[int, float]]) -> None:
    found = counted(text(*answers))
    assert set(found) == {("m", "1")}, "what no model answers is no endpoint's"
    one = found["m", "1"]
    assert one.answers == len(answers) == sum(one.buckets.values())
    assert one.faults == sum(status >= 500 for status, _ in answers)
    assert one.refused == sum(400 <= status < 500 for status, _ in answers)
    assert one.seconds == pytest.approx(sum(seconds for _, seconds in answers))


@given(ANSWERS, st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_lies_in_the_bucket_of_the_answer_it_stands_for(
    answers: list[tuple[int, float]], share: float
) -> None:
    found = counted(text(*answers))["m", "1"].percentile(share)
    if not answers:
        assert found is None
        return
    ranked = sorted(seconds for _, seconds in answers)
    true = ranked[min(len(ranked) - 1, max(0, int(-(-share * len(ranked) // 1)) - 1))]
    bounds = [0.0, *BUCKETS]
    low = max((bound for bound in bounds if bound < true), default=0.0)
    high = min((bound for bound in BUCKETS if bound >= true), default=BUCKETS[-1])
    assert found is not None and low - 1e-9 <= found <= high + 1e-9


@given(ANSWERS, ANSWERS)
def test_what_came_since_and_what_was_before_are_the_whole(
    first: list[tuple[int, float]], more: list[tuple[int, float]]
) -> None:
    before, after = counted(text(*first))["m", "1"], counted(text(*first, *more))["m", "1"]
    news = after.since(before)
    assert (news.answers, news.faults) == (len(more), sum(status >= 500 for status, _ in more))
    assert news.buckets == counted(text(*more))["m", "1"].buckets
    news.add(before)
    assert (news.statuses, news.buckets) == (after.statuses, after.buckets)


def test_a_server_that_began_anew_is_counted_from_its_start() -> None:
    before, after = counted(text(*[(200, 0.01)] * 9))["m", "1"], counted(text((500, 0.01)))["m", "1"]
    assert after.since(before).answers == 1 and after.since(before).faults == 1


def test_figures_are_per_second_in_milliseconds_and_shares() -> None:
    one = counted(text(*[(200, 0.0008)] * 90, *[(503, 0.2)] * 10))["m", "1"]
    found = told([one, Counted()], 50.0)
    assert (found["answers"], found["per_second"], found["error_share"]) == (100, 2.0, 0.1)
    assert 0.5 < found["p50_ms"] <= 1 and 100 < found["p95_ms"] <= 250
    assert told([], 50.0)["p99_ms"] is None and told([], 0.0)["per_second"] == 0.0
