"""Calls shared by requests: each caller gets its own rows, only the guilty are told, nobody waits for a timer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.engines.base import Predictor, Tensors
from aimass.serve.batch.base import Ask, Busy, Form, Late
from aimass.serve.batch.batcher import LOOK, PATIENCE, Batcher
from aimass.serve.batch.profile import Profile
from aimass.serve.batch.turns import INLINE
from aimass.serve.predictor import sliced


@dataclass(eq=False)
class Caller:
    """Who asks for ROWS, and what came back."""

    rows: list[int]
    gone: bool = False
    body: bytes = b""
    arrived: float = field(default_factory=time.perf_counter)
    told: Any = None
    client: Any = None


class Lists(Form):
    """Rows as lists of numbers; a negative one cannot be read, 666 cannot be predicted."""

    def join(self, parts: Sequence[list[int]]) -> Tensors:
        rows = [row for part in parts for row in part]
        if min(rows) < 0:
            raise ValueError("negative")
        return {"x": np.array(rows)}

    def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
        at = 0
        for ask in asks:
            assert ask.exchange.told is None
            ask.exchange.told = outputs["y"][at : at + ask.rows].tolist()
            at += ask.rows
        assert at == len(outputs["y"])

    def fail(self, ask: Ask, error: Exception) -> None:
        assert ask.exchange.told is None
        ask.exchange.told = error


class Model:
    """Doubles; a call takes SECONDS."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.calls = seconds, list[int]()

    def __call__(self, tensors: Tensors) -> Tensors:
        x = tensors["x"]
        self.calls.append(len(x))
        if self.seconds:
            time.sleep(self.seconds)
        if 666 in x:
            raise ArithmeticError("the model cannot")
        return {"y": 2 * x}


def batcher(model: Predictor, expected: float = 0.0, **options: Any) -> Batcher:
    profile = Profile()
    profile.learn(1, expected or getattr(model, "seconds", 0.0))
    return Batcher(model, profile, ThreadPoolExecutor(1), **options)


async def asked(batcher: Batcher, callers: Sequence[Caller], forms: Sequence[Form], waves: Sequence[int] = ()) -> None:
    """Let CALLERS ask, a wave after the other, and wait until all were told."""
    cuts = [0, *sorted(waves), len(callers)]
    for begin, end in pairwise(cuts):
        for i, caller in enumerate(callers[begin:end]):
            batcher.add(Ask(forms[i % len(forms)], caller.rows, len(caller.rows), caller))
        await asyncio.sleep(0)
    until = time.monotonic() + 10
    while any(caller.told is None and not caller.gone for caller in callers) and time.monotonic() < until:
        await asyncio.sleep(0.001)


ROWS = st.lists(st.one_of(st.integers(0, 500), st.sampled_from([-1, 666])), min_size=1, max_size=9)


@given(rows=st.lists(ROWS, min_size=1, max_size=20), most=st.integers(1, 12), data=st.data())
@settings(max_examples=150, deadline=None)
def test_each_caller_gets_its_own_rows_and_only_the_guilty_are_told(
    rows: list[list[int]], most: int, data: st.DataObject
) -> None:
    callers = [Caller(part) for part in rows]
    waves = data.draw(st.lists(st.integers(0, len(rows)), max_size=3))
    model = Model()
    beside = data.draw(st.booleans())
    forms = [Lists() for _ in range(data.draw(st.integers(1, 3)))]
    asyncio.run(asked(batcher(model, 2 * INLINE if beside else 0.0, most=most), callers, forms, waves))
    for caller in callers:
        if min(caller.rows) < 0:
            assert isinstance(caller.told, ValueError)
        elif 666 in caller.rows:
            assert isinstance(caller.told, ArithmeticError)
        else:
            assert caller.told == [2 * row for row in caller.rows]
    assert max(model.calls, default=0) <= max(most, max(map(len, rows)))


def test_what_comes_in_within_a_turn_of_the_loop_shares_a_call() -> None:
    model = Model()
    asyncio.run(asked(batcher(model), [Caller([i]) for i in range(20)], [Lists()]))
    assert model.calls == [20]


def test_what_comes_in_while_the_model_is_busy_shares_the_next_call() -> None:
    model = Model(0.02)
    callers = [Caller([i]) for i in range(20)]
    asyncio.run(asked(batcher(model), callers, [Lists()], waves=[1]))
    assert model.calls == [1, 19]


def test_a_request_larger_than_a_call_is_answered_in_slices() -> None:
    model = Model()
    caller = Caller(list(range(25)))
    asyncio.run(asked(batcher(sliced(model, 10), most=10), [caller, Caller([1])], [Lists()]))
    assert caller.told == [2 * i for i in range(25)] and sorted(model.calls) == [1, 5, 10, 10]


def test_a_model_that_gives_other_rows_than_it_got_answers_nobody() -> None:
    callers = [Caller([1]), Caller([2, 3])]
    asyncio.run(asked(batcher(lambda tensors: {"y": tensors["x"][:1]}), callers, [Lists(), Lists()]))
    assert callers[0].told == [1] and isinstance(callers[1].told, ValueError)


def test_an_answer_that_cannot_be_made_or_told_ends_nothing() -> None:
    class Broken(Lists):
        def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
            raise ZeroDivisionError

        def fail(self, ask: Ask, error: Exception) -> None:
            ask.exchange.told = error
            raise ZeroDivisionError

    callers = [Caller([i]) for i in range(4)]
    model = batcher(Model())

    async def twice() -> None:
        await asked(model, callers[:2], [Broken(), Lists()])
        await asked(model, callers[2:], [Lists()])

    asyncio.run(twice())
    assert isinstance(callers[0].told, ZeroDivisionError) and [c.told for c in callers[1:]] == [[2], [4], [6]]


def test_a_long_call_leaves_the_event_loop_free() -> None:
    async def beats() -> int:
        model = batcher(Model(0.3))
        caller = Caller([1])
        model.add(Ask(Lists(), caller.rows, 1, caller))
        count = 0
        while caller.told is None:
            await asyncio.sleep(0.001)
            count += 1
        return count

    assert asyncio.run(beats()) > 5


def test_who_has_gone_is_not_asked_for() -> None:
    model = Model()
    callers = [Caller([1]), Caller([2], gone=True), Caller([3])]
    asyncio.run(asked(batcher(model), callers, [Lists()]))
    assert model.calls == [2] and callers[1].told is None


def test_a_deadline_that_passed_is_told_and_costs_no_call() -> None:
    async def late() -> tuple[Any, list[int]]:
        model = Model()
        caller = Caller([1])
        waiting = batcher(model)
        caller.arrived = time.perf_counter()
        waiting.add(Ask(Lists(), caller.rows, 1, caller, timeout=0.05))
        time.sleep(0.06)
        await asyncio.sleep(0.01)
        return caller.told, model.calls

    told, calls = asyncio.run(late())
    assert isinstance(told, Late) and calls == []


def test_a_deadline_that_is_over_is_told_at_once() -> None:
    async def late() -> None:
        with pytest.raises(Late):
            batcher(Model()).add(Ask(Lists(), [1], 1, Caller([1], arrived=0.0), timeout=0.001))

    asyncio.run(late())


def test_who_would_be_answered_too_late_is_refused_at_once_and_told_when_to_come_again() -> None:
    async def crowd() -> tuple[list[Busy], int]:
        waiting = batcher(Model(0.01), most=1)
        callers, refused = [Caller([i]) for i in range(50)], []
        for caller in callers:
            try:
                waiting.add(Ask(Lists(), caller.rows, 1, caller, timeout=0.1))
            except Busy as busy:
                refused.append(busy)
        admitted = len(callers) - len(refused)
        while sum(caller.told is not None for caller in callers) < admitted:
            await asyncio.sleep(0.005)
        return refused, sum(isinstance(caller.told, list) for caller in callers)

    refused, answered = asyncio.run(crowd())
    assert 35 <= len(refused) <= 45 and answered >= 5 and all(busy.retry > 0 for busy in refused)


def test_who_named_a_deadline_is_answered_though_many_wait_who_did_not() -> None:
    async def crowd() -> list[Caller]:
        model = batcher(Model(0.002), most=1)
        order: list[Caller] = []

        class Noted(Lists):
            def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
                order.extend(ask.exchange for ask in asks)
                super().answer(asks, outputs)

        form, patient, pressed = Noted(), [Caller([1]) for _ in range(200)], [Caller([2]) for _ in range(6)]
        for caller in patient:
            model.add(Ask(form, caller.rows, 1, caller))
        for caller in pressed:
            model.add(Ask(form, caller.rows, 1, caller, timeout=0.2))
        while len(order) < 9:
            await asyncio.sleep(0.001)
        for caller in patient:
            caller.gone = True
        return order[:9]

    assert sum(caller.rows == [2] for caller in asyncio.run(crowd())) == 6


def test_a_call_grows_no_larger_than_the_deadlines_in_it_allow() -> None:
    async def crowd() -> tuple[list[int], Any]:
        model = Model()
        waiting = batcher(model, expected=0.01)
        waiting.profile.learn(1024, 10.24)
        pressed, patient = Caller([1]), [Caller([2]) for _ in range(60)]
        waiting.add(Ask(Lists(), pressed.rows, 1, pressed, timeout=0.3))
        for caller in patient:
            waiting.add(Ask(Lists(), caller.rows, 1, caller))
        while not all(caller.told for caller in patient):
            await asyncio.sleep(0.001)
        return model.calls, pressed.told

    calls, told = asyncio.run(crowd())
    assert calls[0] <= 30 and sum(calls) == 61 and told == [2]


def test_who_names_no_deadline_waits_behind_so_many_seconds_of_work_and_no_more() -> None:
    async def crowd() -> int:
        waiting = batcher(Model(), expected=PATIENCE / 10, most=1)
        callers = [Caller([1]) for _ in range(50)]
        with pytest.raises(Busy):
            for caller in callers:
                waiting.add(Ask(Lists(), caller.rows, 1, caller))
        admitted = waiting.waiting.rows
        await asyncio.sleep(0.01)
        return admitted

    assert 10 <= asyncio.run(crowd()) <= 12


def test_a_model_thought_too_slow_is_asked_when_nothing_waits_and_so_is_known_again() -> None:
    async def asks() -> list[Any]:
        waiting = batcher(Model(), expected=20.0)
        told = []
        for _ in range(60):
            caller = Caller([1])
            waiting.add(Ask(Lists(), caller.rows, 1, caller, timeout=5.0))
            while caller.told is None:
                await asyncio.sleep(0.001)
            told.append(caller.told)
        assert waiting.profile.expected(1) < 1.0
        return told

    assert asyncio.run(asks()) == [[2]] * 60


def test_only_so_many_rows_wait() -> None:
    async def crowd() -> None:
        waiting = batcher(Model(), bound=10)
        callers = [Caller([i]) for i in range(10)]
        for caller in callers:
            waiting.add(Ask(Lists(), caller.rows, 1, caller))
        with pytest.raises(Busy, match="10 rows wait already"):
            waiting.add(Ask(Lists(), [1], 1, Caller([1])))
        await asyncio.sleep(0.01)
        assert all(caller.told is not None for caller in callers)

    asyncio.run(crowd())


@dataclass(eq=False)
class Holder:
    """A client of so much weight, who may ask for ALLOWED rows."""

    id: str
    weight: float = 1.0
    allowed: float = 1e9
    taken: int = 0

    def check(self, rows: int) -> None:
        if self.taken + rows > self.allowed:
            raise Busy("that is all", 1.0)

    def take(self, rows: int) -> None:
        self.taken += rows


def order_of(asked: Sequence[Holder], **options: Any) -> list[str]:
    """Whose requests, of a row each, were answered in which order."""

    async def answered() -> list[str]:
        model = batcher(Model(), **options)
        order: list[str] = []

        class Noted(Lists):
            def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
                order.extend(ask.client.id for ask in asks if ask.client)
                super().answer(asks, outputs)

        form = Noted()
        for client in asked:
            model.add(Ask(form, [1], 1, Caller([1], client=client)))
        await asyncio.sleep(0.02)
        return order

    return asyncio.run(answered())


def test_a_client_with_few_requests_does_not_wait_for_one_with_many() -> None:
    many, few = Holder("many"), Holder("few")
    assert order_of([many] * 10 + [few], most=2).index("few") < 2


def test_who_weighs_more_gets_more_of_the_first_rows() -> None:
    heavy, light = Holder("heavy", weight=3), Holder("light")
    order = order_of([heavy] * 40 + [light] * 40, most=4)
    assert order[:40].count("heavy") == 30 and len(order) == 80


def test_a_client_who_may_not_ask_now_leaves_nothing_behind() -> None:
    client = Holder("a", allowed=2)

    async def asked_thrice() -> None:
        model, caller = batcher(Model(), bound=1), Caller([1], client=client)
        model.add(Ask(Lists(), [1], 1, caller))
        with pytest.raises(Busy, match="wait already"):  # not taken, as it was not let in
            model.add(Ask(Lists(), [1], 1, Caller([1], client=client)))
        assert client.taken == 1
        with pytest.raises(Busy, match="that is all"):
            model.add(Ask(Lists(), [1, 1], 2, Caller([1, 1], client=client)))
        await asyncio.sleep(0.01)
        assert caller.told == [2] and model.waiting.rows == 0

    asyncio.run(asked_thrice())


def test_who_holds_most_of_the_room_gives_some_to_who_comes() -> None:
    async def crowd() -> tuple[list[Caller], list[Caller], Holder]:
        many, few = Holder("many"), Holder("few")
        model = batcher(Model(), bound=10)
        first = [Caller([i], client=many) for i in range(10)]
        second = [Caller([i], client=few) for i in range(5)]
        for caller in (*first, *second):
            model.add(Ask(Lists(), caller.rows, 1, caller))
        with pytest.raises(Busy):
            model.add(Ask(Lists(), [1], 1, Caller([1], client=few)))
        await asyncio.sleep(0.01)
        return first, second, many

    first, second, many = asyncio.run(crowd())
    assert all(isinstance(caller.told, list) for caller in (*first[:5], *second))
    assert all(isinstance(caller.told, Busy) for caller in first[5:]) and many.taken == 5


def test_calls_grow_no_larger_than_half_the_latency_wanted_allows() -> None:
    made = batcher(Model(), expected=0.001)
    for rows, seconds in ((8, 0.002), (64, 0.016), (512, 0.128)):
        made.profile.learn(rows, seconds)
    made.aim(0.033)
    assert made.most == 64
    made.aim(0.0)  # nothing was promised, and still nobody is to wait for long calls of others
    assert made.most == 128
    made.aim(0.0015)  # not even a row can keep it: what is left to win are many rows a second
    assert made.most == made.limit


def test_what_calls_take_later_changes_how_large_they_grow() -> None:
    model = Model()
    made = batcher(model, expected=1e-5)
    made.profile.learn(made.limit, 0.001)
    made.aim(0.01)
    assert made.most == made.limit
    for _ in range(256):
        made.profile.learn(made.limit, 0.2)

    async def one_by_one() -> None:
        for _ in range(LOOK):
            await asked(made, [Caller([1])], [Lists()])

    asyncio.run(one_by_one())
    assert made.most < made.limit
