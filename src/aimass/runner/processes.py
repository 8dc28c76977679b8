"""Work in a fresh process a task: a crash, a kill or a leak ends with the task.

Task and workspace URL go over stdin, because a command line is public and a catalog URL may hold a password.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aimass.core.errors import TaskFailed, error_from_json


class Processes:
    """Runs each task in a process of its own; the process dies with its parent."""

    def __init__(self, name: str) -> None:
        self.name = name

    def submit(self, task: str, url: str, run: str, needs: Mapping[str, Any]) -> str:
        read_end, write_end = os.pipe()
        place = {"path": sys.path, "answer": write_end, "parent": os.getpid()}
        order = {"task": task, "url": url, "run": run, "needs": dict(needs), **place}
        command = [sys.executable, "-m", "aimass.runner.worker"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[write_end], env=environment)
        os.close(write_end)
        try:
            with os.fdopen(read_end, encoding="utf-8") as answers:
                _send(worker, json.dumps(order).encode())
                text = answers.read()  # before waiting: a pipe holds 64 KB, and the worker waits until it is read
            worker.wait()
        finally:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        return _result(text, worker.returncode, run)


def _send(worker: subprocess.Popen[bytes], order: bytes) -> None:
    assert worker.stdin is not None
    with suppress(BrokenPipeError), worker.stdin as pipe:  # a worker that died already is told of by its exit code
        pipe.write(order)


def _result(text: str, code: int, run: str) -> str:
    if not text.endswith("\n"):
        died = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        raise TaskFailed(
            f"the process of run {run} {died} before it had a result",
            expected="a task that ends by itself",
            todo="run again: finished steps are reused and training goes on from its last checkpoint; "
            "if it was killed for memory, give it less data or a smaller batch",
        )
    answer = json.loads(text)
    if "error" in answer:
        raise error_from_json(answer["error"])
    digest: str = answer["digest"]
    return digest
