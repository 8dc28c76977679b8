"""What is kept comes back when it dies, later each time, and goes when it is told to."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from aimass.console.alive import is_alive, started
from aimass.console.up.kept import QUARANTINED, READY, STOPPED, WAITING, Kept
from aimass.core.errors import InputError

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
PATIENCE = 30.0  # seconds: beyond them a test has failed


@asynccontextmanager
async def kept(
    folder: Path, body: str, most: int = 8, more: dict[str, Any] | None = None, **order: Any
) -> AsyncIterator[Kept]:
    """A process with a BODY of ours, which is no more afterwards."""
    named = {"body": f"tests.console.up.bodies:{body}", **order}
    one = Kept(body, named, folder / f"{body}.log", most=most, **(more or {}))
    task = asyncio.create_task(one.keep())
    try:
        yield one
    finally:
        one.stop()
        _, late = await asyncio.wait([task], timeout=10)
        if late:
            one.kill()
            await task
        assert one.process is None or one.process.returncode is not None
        assert one.state == STOPPED


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.01)


def test_a_process_is_ready_when_it_says_so_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    async def case() -> None:
        async with kept(tmp_path, "steady", at="x") as one:
            await until(lambda: one.state == READY)
            told = one.as_json()
            assert (told["url"], told["at"], told["restarts"]) == ("here", "x", 0)
            assert told["began"] == started(told["pid"]) and "why" not in told
        assert one.process is not None and one.process.returncode == 0
        line = (tmp_path / "steady.log").read_text()
        assert re.fullmatch(rf"{STAMP} hello from {told['pid']}\n", line), line

    asyncio.run(case())


def test_one_that_is_killed_is_followed_by_another_and_the_reason_is_kept(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def case() -> None:
        async with kept(tmp_path, "steady") as one:
            await until(lambda: one.state == READY)
            before = one.as_json()["pid"]
            os.kill(before, signal.SIGKILL)
            await until(lambda: one.state == READY and one.as_json().get("pid") not in (before, None))
            told = one.as_json()
        assert (told["restarts"], told["why"]) == (1, "was ended by SIGKILL")

    asyncio.run(case())
    assert "steady was ended by SIGKILL; another one starts in 0.05 s" in capfd.readouterr().err


def test_one_that_dies_at_its_start_is_tried_again_later_each_time(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def case() -> None:
        async with kept(tmp_path, "brief", note=str(tmp_path / "note"), deaths=2) as one:
            await until(lambda: one.state == READY)
            assert one.facts == {"times": 3} and one.restarts == 2

    asyncio.run(case())
    lines = capfd.readouterr().err.splitlines()
    assert [line.rpartition("in ")[2] for line in lines] == ["0.05 s", "0.1 s"]
    assert all(line.startswith("brief ended with 7;") for line in lines)


def test_one_that_fails_too_often_is_left_alone_until_somebody_asks_for_it(tmp_path: Path) -> None:
    async def case() -> None:
        async with kept(tmp_path, "brief", most=2, note=str(tmp_path / "note"), deaths=2) as one:
            await until(lambda: one.state == QUARANTINED)
            assert one.settled.is_set() and one.as_json()["why"] == "ended with 7" and "pid" not in one.as_json()
            one.again()
            await until(lambda: one.state == READY)

    asyncio.run(case())


def test_one_that_cannot_begin_says_why(tmp_path: Path) -> None:
    async def case() -> None:
        async with kept(tmp_path, "refused") as one:
            await until(lambda: one.state == WAITING)
            assert one.error is not None and one.error.todo == "take another" and not one.ever
            assert one.as_json()["why"] == "port 1 of nowhere is taken"
        assert "take another" in (tmp_path / "refused.log").read_text()

    asyncio.run(case())


def test_what_does_not_end_is_killed_with_all_it_started(tmp_path: Path) -> None:
    async def case() -> None:
        async with kept(tmp_path, "stubborn") as one:
            await until(lambda: one.state == READY)
            child = one.facts["child"]
            began = started(child)
            one.kill()
            await until(lambda: one.restarts == 1)
        assert not is_alive(child, began)

    asyncio.run(case())


def test_a_long_log_is_begun_anew_and_the_one_before_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aimass.console.up.kept.LARGE", 100)
    log, before = tmp_path / "steady.log", tmp_path / "steady.before.log"
    log.write_text("x" * 101)

    async def case() -> None:
        async with kept(tmp_path, "steady") as one:
            await until(lambda: one.state == READY)
            assert before.read_text() == "x" * 101 and " hello from" in log.read_text().splitlines()[0]
            with log.open("a") as said:  # as what the process has started: it knows of nothing
                said.write("y" * 101)
                said.flush()
                await until(lambda: not log.stat().st_size)
                said.write("on it goes")
            assert before.read_text().endswith("y" * 101) and log.read_text() == "on it goes"

    asyncio.run(case())


def test_one_that_hangs_is_ended_and_followed_by_another(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def case() -> None:
        async with kept(tmp_path, "beating", more={"hang": 2.5}) as one:
            await until(lambda: one.state == READY)
            first = one.heard
            await until(lambda: one.heard > first)  # it beats
            os.kill(one.as_json()["pid"], signal.SIGSTOP)
            await until(lambda: one.restarts == 1)
            assert one.as_json()["why"] == "gave no sign of life for 2.5 s"
            await until(lambda: one.state == READY)

    asyncio.run(case())
    assert "beating gave no sign of life for 2.5 s; another one starts" in capfd.readouterr().err


def test_one_that_is_started_anew_on_demand_has_not_failed(tmp_path: Path) -> None:
    async def case() -> None:
        async with kept(tmp_path, "steady") as one:
            await until(lambda: one.state == READY)
            before = one.as_json()["pid"]
            one.renew()
            await until(lambda: one.state == READY and one.as_json().get("pid") not in (before, None))
            assert one.restarts == 1 and "why" not in one.as_json() and one.failures.count() == 0

    asyncio.run(case())


def test_a_process_has_the_values_that_are_wanted_and_so_has_the_one_after_it(tmp_path: Path) -> None:
    async def case() -> None:
        wanted: dict[str, Any] = {"size": 1, "another's": 2}
        async with kept(tmp_path, "turned", more={"wanted": wanted}) as one:
            await until(lambda: one.values == {"size": 1})
            wanted["size"] = 5
            one.set({"size": 5, "another's": 3})
            await until(lambda: one.values == {"size": 5} and one.facts.get("size") == 5)
            one.kill()
            await until(lambda: one.restarts == 1)
            await until(lambda: one.values == {"size": 5})

    asyncio.run(case())


def test_a_process_asks_its_keeper_and_hears_an_answer_or_why_there_is_none(tmp_path: Path) -> None:
    def asked(one: Kept, what: dict[str, Any]) -> Any:
        if what["for"] == "more":
            raise InputError("there is no more", todo="ask for less")
        return f"{one.name} has {what['for']}"

    async def case() -> None:
        async with kept(tmp_path, "asking", more={"asked": asked}) as one:
            await until(lambda: one.state == READY)
            assert one.facts == {"answers": ["asking has less", "there is no more"]}

    asyncio.run(case())
