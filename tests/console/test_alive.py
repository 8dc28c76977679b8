"""A process is told from another that has its number."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from aimass.console.alive import here, is_alive, lives, started


def test_this_process_is_alive_and_known_by_its_start() -> None:
    assert is_alive(os.getpid(), started(os.getpid()))
    assert lives(here())
    assert started(os.getpid()) != started(1) != ""


def test_a_number_that_came_again_is_another_process() -> None:
    assert not is_alive(os.getpid(), started(1))
    assert not is_alive(os.getpid(), "")
    for name in ("", "x", "1", "1@", f"{os.getpid()}@then", "99999999@x"):
        assert not lives(name)


def test_a_process_that_ended_is_dead_though_nobody_waited_for_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    since = started(child.pid)
    assert is_alive(child.pid, since)
    child.communicate(timeout=30)
    assert not is_alive(child.pid, since)


def test_a_name_with_blanks_and_brackets_confuses_nobody(tmp_path: Path) -> None:
    program = tmp_path / "a) Z (b"
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(program), "30"])
    try:
        assert is_alive(child.pid, started(child.pid))
    finally:
        child.kill()
        child.wait()
