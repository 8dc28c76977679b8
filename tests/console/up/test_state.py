"""The file says who is up, and nobody is ended whom it does not mean."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aimass.console.alive import started
from aimass.console.up import state as file
from aimass.console.up.state import State

IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@contextmanager
def process(before: str = "pass") -> Iterator[subprocess.Popen[str]]:
    """A process that waits."""
    command = f"import sys; {before}; print('ready', flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def test_what_is_written_is_read_while_its_process_lives(tmp_path: Path) -> None:
    assert file.read(tmp_path) is None
    mine = State(os.getpid(), started(os.getpid()), "now", "http://127.0.0.1:1/", "", [{"name": "console"}])
    file.write(tmp_path, mine)
    assert file.read(tmp_path) == mine
    assert (tmp_path / "up" / "state.json").stat().st_mode & 0o077 == 0  # for its user only
    file.remove(tmp_path)
    assert file.read(tmp_path) is None


def test_a_process_that_has_the_number_by_now_is_neither_told_of_nor_ended(tmp_path: Path) -> None:
    with process() as other:
        stale = State(other.pid, started(1), "then")
        file.write(tmp_path, stale)
        assert file.read(tmp_path) is None
        assert file.end(stale, 0.2)
        assert other.poll() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"pid": 1}', '{"pid": "x", "since": "y", "began": "z"}', "null"]
)
def test_a_damaged_file_says_that_nobody_is_up(tmp_path: Path, text: str) -> None:
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "state.json").write_text(text)
    assert file.read(tmp_path) is None


@pytest.mark.parametrize(("before", "willing"), [("pass", True), (IGNORES, False)], ids=["willing", "stubborn"])
def test_the_process_that_is_meant_ends_willing_or_not(before: str, willing: bool) -> None:
    with process(before) as child:
        state = State(child.pid, started(child.pid), "now")
        assert state.lives
        assert file.end(state, 20 if willing else 0.3) is willing
        assert child.wait(20) == (-signal.SIGTERM if willing else -signal.SIGKILL)
        assert not state.lives
        assert file.end(state, 1)  # it is gone already
