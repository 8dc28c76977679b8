"""What workers counted adds up, and never goes back: whoever reports, stays silent or dies."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.serve.metrics import Counts
from aimass.serve.observe.vitals import Facts
from aimass.serve.seen import Seen, added
from aimass.serve.workers.sums import Sums

KEY = ("m", "1")
STEPS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["answers", "tells", "dies"])), max_size=60)


class Worker:
    def __init__(self) -> None:
        self.seen = Seen(counts={KEY: Counts(*KEY)}, facts=Facts())

    def answers(self, random: random.Random) -> None:
        self.seen.counts[KEY].request(random.choice((200, 400, 503)), random.random())
        self.seen.facts.cpu_seconds += 1
        self.seen.facts.lags[0] += 1


@settings(deadline=None)
@given(STEPS, st.randoms(use_true_random=False))
def test_sums_are_what_was_told_and_counters_never_go_back(steps: list[tuple[int, str]], random: Any) -> None:
    sums, workers, numbers = Sums(), [Worker() for _ in range(4)], list(range(4))
    held, told, before = sums.of(*KEY), {}, (0, 0.0, 0)
    gone = 0
    for place, what in steps:
        number = numbers[place]
        if what == "answers":
            workers[place].answers(random)
        elif what == "tells":
            sums.told(number, workers[place].seen.as_json())
            told[number] = workers[place].seen.counts[KEY].statuses.total()
        else:
            sums.died(number)
            gone += told.pop(number, 0)
            numbers[place], workers[place] = max(numbers) + 1, Worker()
        whole = sums.all(Facts())
        assert sums.of(*KEY) is held and held.statuses.total() == gone + sum(told.values())
        if told:
            assert whole.counts[KEY].statuses == held.statuses and whole.counts[KEY].buckets == held.buckets
        now = (held.statuses.total(), whole.facts.cpu_seconds, whole.facts.lags[0])
        assert now >= before
        before = now


def test_what_crosses_as_json_is_the_same() -> None:
    seen = Seen(states={KEY: ("READY", "")}, goals={KEY: 0.5}, health={"log": {"lost_rows": 2}}, trials=["m"])
    seen.counts[KEY] = Counts(*KEY)
    seen.counts[KEY].request(200, 0.01)
    again = Seen.from_json(seen.as_json())
    assert again.as_json() == seen.as_json() and again.states == seen.states


def test_numbers_add_up_the_largest_is_the_largest_and_texts_stay() -> None:
    one = {"lost_rows": 1, "table": "t", "largest_difference": {"y": 0.5}, "list": [1]}
    other = {"lost_rows": 2, "table": "u", "largest_difference": {"y": 0.25, "z": 1.0}, "list": [2], "more": True}
    assert added(one, other) == {
        "lost_rows": 3, "table": "t", "largest_difference": {"y": 0.5, "z": 1.0}, "list": [1, 2], "more": True
    }  # fmt: skip


def test_a_version_is_in_the_state_that_says_most() -> None:
    whole = Seen(states={KEY: ("UNAVAILABLE", "unloaded")})
    whole.merge(Seen(states={KEY: ("UNAVAILABLE", "it is damaged")}))
    assert whole.states[KEY] == ("UNAVAILABLE", "it is damaged")
    whole.merge(Seen(states={KEY: ("READY", "")}))
    assert whole.states[KEY] == ("READY", "")
    whole.merge(Seen(states={KEY: ("LOADING", "on probation")}))
    assert whole.states[KEY] == ("LOADING", "on probation")
