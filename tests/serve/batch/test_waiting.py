"""What waits: nothing is lost, requests of a client keep their order, and rows are dealt out by weight."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.serve.batch.base import Ask, Busy
from aimass.serve.batch.waiting import URGENT, Fits, Waiting


@dataclass(eq=False)
class Holder:
    id: str
    weight: float = 1.0


class Exchange:
    arrived = time.perf_counter()

    def __init__(self, client: Holder | None) -> None:
        self.client = client


def ask(client: Holder | None, rows: int = 1, timeout: float = 0.0) -> Ask:
    form: Any = None
    return Ask(form, None, rows, Exchange(client), timeout=timeout)


def up_to(most: int) -> Fits:
    return lambda rows, soonest: rows <= most


REQUESTS = st.tuples(st.integers(0, 3), st.integers(1, 9), st.sampled_from([0.0, 5.0]))
STEPS = st.lists(st.one_of(REQUESTS, st.just("take")), max_size=80)


@given(steps=STEPS, weights=st.tuples(*[st.sampled_from([0.5, 1.0, 4.0])] * 3), most=st.integers(1, 20))
@settings(deadline=None)
def test_nothing_is_lost_or_answered_twice_and_each_client_keeps_its_order(
    steps: list[Any], weights: tuple[float, ...], most: int
) -> None:
    clients = [None, *(Holder(str(weight), weight) for weight in weights)]
    waiting, added, taken, refused = Waiting(30), list[Ask](), list[Ask](), list[Ask]()
    for step in steps:
        if step == "take":
            if waiting:
                call = waiting.take(up_to(most))
                assert call and (len(call) == 1 or sum(one.rows for one in call) <= most)
                taken += call
            continue
        new = ask(clients[step[0]], *step[1:])
        try:
            gone = waiting.add(new, 0.0, 0.0)
        except Busy:
            refused.append(new)
        else:
            added.append(new)
            refused += gone
        assert waiting.rows <= 30
        assert waiting.rows == sum(line.rows for line in waiting.lines.values())
        assert all(
            line.rows == sum(one.rows for one in (*line.urgent, *line.rest)) > 0 for line in waiting.lines.values()
        )
    while waiting:
        taken += waiting.take(up_to(most))
    left = [one for one in added if not any(one is other for other in refused)]
    assert sorted(map(id, taken)) == sorted(map(id, left))
    for client in clients:
        for pressed in (True, False):  # those who named a deadline go before those who did not
            mine = [
                [one for one in some if (one.client, bool(one.deadline)) == (client, pressed)] for some in (taken, left)
            ]
            assert mine[0] == mine[1]


@given(
    sizes=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    weights=st.tuples(*[st.sampled_from([1.0, 2.0, 5.0])] * 2),
    most=st.integers(1, 16),
)
@settings(deadline=None)
def test_who_always_waits_gets_rows_by_its_weight_whatever_the_size_of_its_requests(
    sizes: tuple[int, int], weights: tuple[float, float], most: int
) -> None:
    clients = [Holder(str(i), weight) for i, weight in enumerate(weights)]
    waiting = Waiting(1_000_000)
    for client, size in zip(clients, sizes, strict=True):
        for _ in range(1000):
            waiting.add(ask(client, size), 0.0, 0.0)
    rows = [0.0, 0.0]
    while min(line.rows for line in waiting.lines.values()) > 300:
        for one in waiting.take(up_to(most)):
            rows[clients.index(one.client)] += one.rows  # type: ignore[arg-type]
        due = [got / weight for got, weight in zip(rows, weights, strict=True)]
        furthest = max(size / weight for size, weight in zip(sizes, weights, strict=True))
        assert abs(due[0] - due[1]) <= 2 * furthest  # never more than a request apart, on either side


def test_who_named_a_deadline_goes_first_and_who_did_not_gets_every_fourth_row() -> None:
    waiting = Waiting(1000)
    for timeout in [0.0] * 40 + [5.0] * 40:
        waiting.add(ask(None, 1, timeout), 0.0, 0.0)
    first = waiting.take(up_to(40))
    assert first[0].deadline and sum(bool(one.deadline) for one in first) == 40 * URGENT // (URGENT + 1)


def test_rows_before_a_request_are_those_that_go_first() -> None:
    waiting, other = Waiting(1000), Holder("other")
    for timeout in [0.0] * 100 + [5.0] * 6:
        waiting.add(ask(None, 1, timeout), 0.0, 0.0)
    for _ in range(100):
        waiting.add(ask(other), 0.0, 0.0)
    assert waiting.before(ask(None, 3, 5.0)) == (6 + 3) + (6 + 3) // URGENT + (6 + 3 + 3)


def test_who_was_away_has_saved_up_no_turns() -> None:
    often, seldom = Holder("often"), Holder("seldom")
    waiting = Waiting(10_000)
    for _ in range(100):
        waiting.add(ask(often), 0.0, 0.0)
    waiting.add(ask(seldom), 0.0, 0.0)
    waiting.take(up_to(50))
    for _ in range(100):
        waiting.add(ask(seldom), 0.0, 0.0)
    assert sum(one.client is seldom for one in waiting.take(up_to(20))) <= 11


def test_large_requests_one_at_a_time_are_no_way_to_more_rows() -> None:
    large, small = Holder("large"), Holder("small")
    waiting, rows = Waiting(10_000), {large: 0, small: 0}
    for _ in range(1000):
        waiting.add(ask(small), 0.0, 0.0)
    waiting.add(ask(large, 10), 0.0, 0.0)
    while waiting.lines[small] and rows[small] < 900:
        for one in waiting.take(up_to(4)):
            rows[one.client] += one.rows  # type: ignore[index]
            if one.client is large:
                waiting.add(ask(large, 10), 0.0, 0.0)
    assert abs(rows[large] - rows[small]) <= 20


def test_a_client_alone_may_have_all_the_room_and_no_more() -> None:
    one = Holder("one")
    waiting = Waiting(10)
    for _ in range(10):
        assert waiting.add(ask(one), 0.0, 0.0) == []
    with pytest.raises(Busy, match="10 rows wait already"):
        waiting.add(ask(one), 0.0, 0.0)


def test_a_request_larger_than_the_room_waits_alone() -> None:
    waiting = Waiting(10)
    assert waiting.add(ask(Holder("one"), 50), 0.0, 0.0) == []
    with pytest.raises(Busy):
        waiting.add(ask(Holder("two"), 60), 0.0, 0.0)
    assert waiting.rows == 50 and len(waiting.take(up_to(1))) == 1 and not waiting
