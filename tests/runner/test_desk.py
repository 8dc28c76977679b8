"""A desk: where the ranks of a gang meet."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from aimass.core.errors import TaskFailed
from aimass.runner.desk import Desk, Line
from tests.runner.test_gang import FakeContext


def test_no_thread_outlives_the_desk_even_while_ranks_hold_their_lines(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with Desk(FakeContext(tmp_path, 2), 2) as desk:
        lines = [Line(desk.address, rank) for rank in (0, 1)]
        lines[0].ask("put", "word", 7)
        assert lines[1].ask("take", "word") == 7
        assert len(set(threading.enumerate()) - before) == 3  # the door, and one for each rank
    assert set(threading.enumerate()) == before
    with pytest.raises(TaskFailed, match=r"gone|reached"):
        lines[0].ask("put", "word", 8)
    for line in lines:
        line.close()


def test_a_rank_that_waits_for_a_word_hears_that_the_desk_closed(tmp_path: Path) -> None:
    with Desk(FakeContext(tmp_path, 2), 2) as desk:
        line = Line(desk.address, 1)
        heard: list[BaseException] = []

        def wait() -> None:
            try:
                line.ask("take", "a word that never comes")
            except TaskFailed as error:
                heard.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        line_is_open = Line(desk.address, 0)
        line_is_open.ask("put", "another", 1)
    waiting.join(10)
    assert len(heard) == 1
    line.close()
    line_is_open.close()
