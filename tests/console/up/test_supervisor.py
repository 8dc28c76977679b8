"""`aimass up` keeps what is behind a workspace, whatever dies, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from aimass.console.access import links
from aimass.console.alive import is_alive
from aimass.console.logs.file import STAMP
from aimass.console.up import state as file
from aimass.console.up.state import State
from aimass.runner.workspace import Workspace
from aimass.store.jobs import Jobs
from tests.console.jobs.test_worker import ask, over
from tests.runner import chain

PATIENCE = 60.0  # seconds: beyond them a test has failed
AIMASS = [sys.executable, "-m", "aimass"]


def aimass(space: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.run([*AIMASS, "-w", str(space), *words], capture_output=True, text=True, timeout=PATIENCE,
                          env=environment)  # fmt: skip


@contextmanager
def up(space: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """`aimass up` in the foreground, ready."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [*AIMASS, "-w", str(space), "up", "--port", "0", "--serve-port", "0", "--json", *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        until(lambda: process.poll() is not None or ((state := file.read(space)) and state.begun))
        select.select([process.stdout], (), (), PATIENCE)  # it has made its link, which would close that of a test
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the PROCESS prints with --json, once all have begun."""
    assert process.stdout is not None
    lines = takewhile(lambda line: line != "}\n", process.stdout)
    found: dict[str, Any] = json.loads("".join(lines) + "}")
    return found


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def there(space: Path) -> State:
    state = file.read(space)
    assert state is not None
    return state


def member(space: Path, name: str) -> dict[str, Any]:
    return next(one for one in there(space).processes if one["name"] == name)


def asked(url: str) -> tuple[int, Any]:
    """Status and body of URL."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture
def space(tmp_path: Path) -> Path:
    return tmp_path / "space"


def test_all_is_up_comes_back_when_it_is_killed_and_goes_together(space: Path) -> None:
    with up(space) as process:
        state = there(space)
        assert [one["name"] for one in state.processes] == ["console", "jobs-1", "inference"]
        assert {one["state"] for one in state.processes} == {"ready"}
        assert asked(f"{state.console}api/v1/me")[0] == 401
        assert asked(f"{state.inference}/v2/health/live")[0] == 200
        done = aimass(space, "status", "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["pid"] == process.pid == state.pid
        for one in state.processes:
            os.kill(one["pid"], signal.SIGKILL)
        for one in state.processes:
            found = until(lambda name=one["name"], before=one["pid"]: (
                (now := member(space, name))["state"] == "ready" and now.get("pid") != before and now
            ))  # fmt: skip
            assert (found["restarts"], found["why"], found.get("url")) == (1, "was ended by SIGKILL", one.get("url"))
        assert asked(f"{state.console}api/v1/me")[0] == 401  # at the same port
        assert asked(f"{state.inference}/v2/health/live")[0] == 200
        last = there(space).processes
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
    assert not any(is_alive(one["pid"], one["began"]) for one in last)
    assert file.read(space) is None and not (space / "up" / "state.json").exists()
    assert aimass(space, "status").returncode == 1


def test_when_it_is_killed_nothing_stays_and_it_starts_anew(space: Path) -> None:
    with up(space) as process:
        before = there(space).processes
        process.kill()
        process.wait()
        until(lambda: not any(is_alive(one["pid"], one["began"]) for one in before))
        assert file.read(space) is None and (space / "up" / "state.json").exists()  # and is not believed
    done = aimass(space, "up", "--detach", "--host", "0.0.0.0", "--port", "0", "--serve-port", "0", "--workers", "0")
    try:
        assert done.returncode == 0, done.stderr
        assert "the console at 0.0.0.0 can be reached by others: passwords are safe only with TLS" in done.stderr
        _, _, token = done.stdout.partition("#/welcome?token=")
        with Workspace(space).catalog.writing() as link:
            assert links.use(link, token.split()[0]) == "admin", "nobody has made another link since"
        second = aimass(space, "up", "--port", "0")
        assert second.returncode == 2 and "it is up already at http://0.0.0.0:" in second.stderr
        assert [one["name"] for one in there(space).processes] == ["console", "inference"]
    finally:
        done = aimass(space, "down")
    assert done.stdout == "it is down\n"
    assert aimass(space, "down").stdout == f"nothing is up in {space}\n"


def test_a_job_is_carried_out_and_one_that_runs_waits_for_the_next_start(space: Path) -> None:
    workspace = Workspace(space)
    jobs = Jobs(workspace.catalog)
    rows = workspace.run(chain.make.task({}, {"rows": 30}))
    quick = ask(jobs, chain.make, {}, rows=3)
    with up(space) as process:
        assert over(jobs, quick)["state"] == "finished"
        slow = ask(jobs, chain.total, {"dataset": rows.digest}, slow=0.2)
        until(lambda: (run := jobs.row(slow)["run"]) and workspace.latest(run))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    assert jobs.row(slow)["state"] == "queued"
    assert {row["state"] for row in workspace.runs()} == {"finished", "stopped"}


def test_a_port_that_is_taken_is_said_before_anything_starts(space: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for words in (["--port", port, "--serve-port", "0"], ["--port", "0", "--serve-port", port]):
            done = aimass(space, "up", *words)
            assert done.returncode == 2 and f"port {port} of 127.0.0.1 is taken" in done.stderr
        assert not list((space / "up").glob("*.log"))
        done = aimass(space, "up", "--detach", "--port", port, "--serve-port", "0")
        assert done.returncode == 1 and f"it ended: error: port {port} of 127.0.0.1 is taken" in done.stderr
    lines = (space / "up" / "up.log").read_bytes().splitlines()
    assert lines and all(STAMP.match(line) for line in lines)
