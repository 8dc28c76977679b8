"""Questions and notes over a pair of sockets: answers find who asked, errors cross, and an end is told to all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aimass.core.errors import InputError, StoreError
from aimass.serve.messages import Refused
from aimass.serve.workers.channel import Channel, Gone


def talk(check: Callable[[Channel, Channel], Awaitable[None]], **known: Any) -> None:
    async def main() -> None:
        here, there = socket.socketpair()
        ends = Channel(here, {}), Channel(there, known)
        listening = [asyncio.create_task(end.listen()) for end in ends]
        while any(end.writer is None for end in ends):
            await asyncio.sleep(0)
        await check(*ends)
        for end in ends:
            end.close()
        await asyncio.gather(*listening)

    asyncio.run(asyncio.wait_for(main(), 30))


def test_each_question_gets_its_own_answer() -> None:
    async def twice(number: float) -> float:
        await asyncio.sleep(0.01 * (number % 3))
        return 2 * number

    async def check(here: Channel, there: Channel) -> None:
        numbers = [*range(20), float("inf")]
        assert await asyncio.gather(*(here.ask("twice", 10, number=n) for n in numbers)) == [2 * n for n in numbers]

    talk(check, twice=twice)


def test_what_is_said_is_begun_in_the_order_in_which_it_was_said() -> None:
    heard: list[int] = []

    async def note(number: int) -> None:
        heard.append(number)

    async def check(here: Channel, there: Channel) -> None:
        for number in range(50):
            here.tell("note", number=number)
        await here.ask("note", 10, number=50)
        assert heard == [*range(51)]

    talk(check, note=note)


def test_the_last_words_of_who_goes_are_heard_though_it_is_asked_something_meanwhile() -> None:
    heard: list[int] = []

    async def note(number: int) -> None:
        heard.append(number)

    async def main() -> None:
        lines = socket.socketpair()
        stays, goes = Channel(lines[0], {"note": note}), Channel(lines[1], {})
        listening = [asyncio.create_task(end.listen()) for end in (stays, goes)]
        while stays.writer is None or goes.writer is None:
            await asyncio.sleep(0)

        async def go() -> None:
            goes.tell("note", number=1)
            await goes.finish(30)

        going = asyncio.create_task(go())
        while not stays.ended.is_set():
            stays.tell("report")
            await asyncio.sleep(0)
        await asyncio.gather(going, *listening)

    asyncio.run(asyncio.wait_for(main(), 30))
    assert heard == [1]


@pytest.mark.parametrize(
    "error", [Refused(409, "no canary", expected="one"), InputError("wrong", todo="mend it"), StoreError("full")]
)
def test_errors_cross_as_what_they_are(error: Exception) -> None:
    async def fail() -> None:
        raise error

    async def check(here: Channel, there: Channel) -> None:
        with pytest.raises(type(error)) as caught:
            await here.ask("fail", 10)
        assert vars(caught.value) == vars(error) and str(caught.value) == str(error)

    talk(check, fail=fail)


def test_what_nobody_foresaw_crosses_as_a_refusal_and_harms_no_other_question(caplog: Any) -> None:
    async def fail() -> None:
        raise ZeroDivisionError("oh")

    async def check(here: Channel, there: Channel) -> None:
        for what in ("fail", "nothing"):
            with pytest.raises(Refused) as caught:
                await here.ask(what, 10)
            assert caught.value.status == 503

    talk(check, fail=fail)


def test_who_waits_when_the_other_end_goes_is_told_and_so_is_who_asks_later() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async def check(here: Channel, there: Channel) -> None:
        asking = asyncio.create_task(here.ask("never"))
        await asyncio.sleep(0.05)
        there.close()
        with pytest.raises(Gone):
            await asking
        with pytest.raises(Gone):
            await here.ask("never")
        here.tell("never")

    talk(check, never=never)


def test_an_answer_that_does_not_come_in_time_is_not_waited_for() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async def check(here: Channel, there: Channel) -> None:
        with pytest.raises(TimeoutError):
            await here.ask("never", 0.05)
        assert not here.waiting

    talk(check, never=never)


@pytest.mark.parametrize("line", [b"no json\n", b"[1]\n", b'{"what": 1}\n', b'{"of": []}\n', b'"x"\n', b"\xff\n"])
def test_nonsense_ends_a_channel_or_is_left_out_and_nothing_else(line: bytes) -> None:
    async def check(here: Channel, there: Channel) -> None:
        assert here.writer is not None
        here.writer.write(line)
        await here.writer.drain()
        asking = asyncio.gather(here.ask("one", 5), return_exceptions=True)
        assert isinstance((await asking)[0], (Gone, int))

    async def one() -> int:
        return 1

    talk(check, one=one)
