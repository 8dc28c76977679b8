"""What is kept comes back when it dies, later each time, and goes when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from aimass.console.alive import is_alive, started
from aimass.console.up.kept import QUARANTINED, READY, STOPPED, WAITING, Kept

PATIENCE = 30.0  # seconds: beyond them a test has failed


@asynccontextmanager
async def kept(folder: Path, body: str, most: int = 8, **order: Any) -> AsyncIterator[Kept]:
    """A process with a BODY of ours, which is no more afterwards."""
    one = Kept(body, {"body": f"tests.console.up.bodies:{body}", **order}, folder / f"{body}.log", most=most)
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
        assert (tmp_path / "steady.log").read_text() == f"hello from {told['pid']}\n"

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
    monkeypatch.setattr("aimass.console.up.kept.LARGE", 10)
    (tmp_path / "steady.log").write_text("x" * 11)

    async def case() -> None:
        async with kept(tmp_path, "steady") as one:
            await until(lambda: one.state == READY)

    asyncio.run(case())
    assert (tmp_path / "steady.before.log").read_text() == "x" * 11
    assert (tmp_path / "steady.log").read_text().startswith("hello from")
