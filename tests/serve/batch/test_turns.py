"""Several models on one event loop: together they hold it up no longer than one of them may."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serve.batch.test_batcher import Caller, Lists

from aimass.engines.base import Tensors
from aimass.serve.batch.base import Ask
from aimass.serve.batch.batcher import Batcher
from aimass.serve.batch.profile import Profile
from aimass.serve.batch.turns import HOP, INLINE, Turn


class Noting:
    """A model that takes no time, and notes where it is called."""

    def __init__(self) -> None:
        self.places = list[str]()

    def __call__(self, tensors: Tensors) -> Tensors:
        self.places.append("loop" if threading.current_thread() is threading.main_thread() else "beside")
        return {"y": 2 * tensors["x"]}


class Fixed(Profile):
    """Calls take SECONDS, whatever is measured."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        super().learn(1, seconds)

    def learn(self, rows: int, seconds: float) -> None: ...


class Counted(Turn):
    """As if calls had taken what was expected of them."""

    def __init__(self, seconds: Sequence[float]) -> None:
        super().__init__()
        self.expected = iter(seconds)

    def took(self, seconds: float) -> None:
        super().took(next(self.expected))


def places(expected: Sequence[float], turn: Turn | None, turns: int = 1) -> list[list[str]]:
    """Where models that take EXPECTED seconds are called, asked in the same TURNS of the loop."""
    models = [Noting() for _ in expected]

    async def asked() -> None:
        batchers = [
            Batcher(model, Fixed(seconds), ThreadPoolExecutor(1))
            for model, seconds in zip(models, expected, strict=True)
        ]
        for batcher in batchers:
            batcher.turn = turn
        for _ in range(turns):
            callers = [Caller([1]) for _ in batchers]
            for batcher, caller in zip(batchers, callers, strict=True):
                batcher.add(Ask(Lists(), caller.rows, 1, caller))
            while any(caller.told is None for caller in callers):
                await asyncio.sleep(0.001)

    asyncio.run(asked())
    return [model.places for model in models]


def test_models_that_are_heavy_for_the_loop_share_it_and_light_ones_never_wait_for_a_thread() -> None:
    heavy, light = 0.75 * INLINE, HOP / 2
    found = places([heavy, light, heavy, light, heavy], Counted([heavy, light, light]))
    assert found == [["loop"], ["loop"], ["beside"], ["loop"], ["beside"]]


def test_every_turn_of_the_loop_begins_anew() -> None:
    heavy = 0.75 * INLINE
    assert places([heavy, heavy], Counted([heavy] * 3), turns=3) == [["loop"] * 3, ["beside"] * 3]


def test_a_model_alone_is_called_as_ever() -> None:
    assert places([0.75 * INLINE], None, turns=3) == [["loop"] * 3]
    assert places([1.5 * INLINE], None) == [["beside"]]


@given(seconds=st.lists(st.floats(0, 2 * INLINE), max_size=40))
@settings(deadline=None)
def test_calls_that_are_longer_than_a_hop_take_no_more_than_one_may(seconds: list[float]) -> None:
    async def told() -> None:
        turn, long = Turn(), 0.0
        for one in seconds:
            if turn.has_room(one):
                turn.took(one)
                long += one if one > HOP else 0.0
        assert long <= INLINE
        await asyncio.sleep(0.001)
        assert turn.spent == 0.0

    asyncio.run(told())


def test_models_of_a_server_share_the_turn_and_one_alone_has_none(folder: Any) -> None:
    from aimass.serve.app import App
    from aimass.serve.predictor import Wanted, load

    first, second = load(Wanted(folder, "one")), load(Wanted(folder, "two"))
    App([first])
    assert first.batcher.turn is None
    app = App([first, second])
    assert first.batcher.turn is second.batcher.turn is app.life.turn
    first.close()
    second.close()


@pytest.mark.parametrize("shared", [False, True])
def test_everybody_is_answered(shared: bool) -> None:
    heavy = 0.75 * INLINE
    found = places([heavy] * 5, Turn() if shared else None, turns=5)
    assert [len(calls) for calls in found] == [5] * 5
