"""What waits: nothing is lost, requests of a client keep their order, and rows are dealt out by weight."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.serve.batch.base import Ask, Busy
from aimass.serve.batch.waiting import Waiting


@dataclass(eq=False)
class Holder:
    id: str
    weight: float = 1.0


class Exchange:
    arrived = time.perf_counter()

    def __init__(self, client: Holder | None) -> None:
        self.client = client


def ask(client: Holder | None, rows: int = 1) -> Ask:
    form: Any = None
    return Ask(form, None, rows, Exchange(client))


STEPS = st.lists(st.one_of(st.tuples(st.integers(0, 3), st.integers(1, 9)), st.just("take")), max_size=80)


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
                call = waiting.take(most)
                assert call and (len(call) == 1 or sum(one.rows for one in call) <= most)
                taken += call
            continue
        new = ask(clients[step[0]], step[1])
        try:
            gone = waiting.add(new, 0.0, 0.0)
        except Busy:
            refused.append(new)
        else:
            added.append(new)
            refused += gone
        assert waiting.rows <= 30
        assert waiting.rows == sum(line.rows for line in waiting.lines.values())
        assert all(line.rows == sum(one.rows for one in line.asks) > 0 for line in waiting.lines.values())
    while waiting:
        taken += waiting.take(most)
    left = [one for one in added if not any(one is other for other in refused)]
    assert sorted(map(id, taken)) == sorted(map(id, left))
    for client in clients:
        assert [one for one in taken if one.client is client] == [one for one in left if one.client is client]


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
    while min(len(line.asks) for line in waiting.lines.values()) > 300:
        for one in waiting.take(most):
            rows[clients.index(one.client)] += one.rows  # type: ignore[arg-type]
        due = [got / weight for got, weight in zip(rows, weights, strict=True)]
        furthest = max(size / weight for size, weight in zip(sizes, weights, strict=True))
        assert abs(due[0] - due[1]) <= 2 * furthest  # never more than a request apart, on either side


def test_who_was_away_has_saved_up_no_turns() -> None:
    often, seldom = Holder("often"), Holder("seldom")
    waiting = Waiting(10_000)
    for _ in range(100):
        waiting.add(ask(often), 0.0, 0.0)
    waiting.add(ask(seldom), 0.0, 0.0)
    waiting.take(50)
    for _ in range(100):
        waiting.add(ask(seldom), 0.0, 0.0)
    assert sum(one.client is seldom for one in waiting.take(20)) <= 11


def test_large_requests_one_at_a_time_are_no_way_to_more_rows() -> None:
    large, small = Holder("large"), Holder("small")
    waiting, rows = Waiting(10_000), {large: 0, small: 0}
    for _ in range(1000):
        waiting.add(ask(small), 0.0, 0.0)
    waiting.add(ask(large, 10), 0.0, 0.0)
    while waiting.lines[small].asks and rows[small] < 900:
        for one in waiting.take(4):
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
    assert waiting.rows == 50 and len(waiting.take(1)) == 1 and not waiting
