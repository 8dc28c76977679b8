"""A process of its own for what reads foreign bytes: little memory, little time, no secrets of ours.

It is no wall: what such a process could still do is why files that are programs are refused before it begins.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError
from aimass.measure.child import told
from aimass.runner.worker import die_with_parent

POLL = 0.2  # seconds between looks whether it should stop
KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR")  # of the environment
WRITTEN = 4 << 30  # bytes of one file


def apart(plan: dict[str, Any], *, memory_mb: int, minutes: float, between: Callable[[], None]) -> Any:
    """What `aimass.imports.work` makes of PLAN in a process of its own.

    BETWEEN is called a few times a second, and ends it by raising.  Raises what the process raised, or InputError
    when it needed too much, or died.
    """
    path = [str(Path(place).absolute()) for place in sys.path]
    order = {**plan, "parent": os.getpid(), "sys_path": path, "memory_mb": memory_mb, "minutes": minutes}
    command = [sys.executable, "-m", "aimass.imports.work"]
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
                                   env=environment)  # fmt: skip
        try:
            answer = _answer(process, json.dumps(order), minutes, between)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        if process.returncode != 0 or answer is None:
            raise _failed(process.returncode, said.read(), answer is None, memory_mb, minutes)
    return json.loads(answer)


def _answer(process: Any, order: str | None, minutes: float, between: Callable[[], None]) -> str | None:
    """What PROCESS prints; None when its minutes are over."""
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        try:
            answer: str = process.communicate(order, timeout=POLL)[0]
            return answer
        except subprocess.TimeoutExpired:
            order = None  # it is on its way
            between()
    return None


def _failed(code: int, said: str, late: bool, memory_mb: int, minutes: float) -> Exception:
    limits = f"at most {minutes:g} minutes and {memory_mb} MB"
    if late:
        return InputError("reading the model took too long", expected=limits, key="minutes",
                          todo="raise the minutes if you trust the file")  # fmt: skip
    if code < 0 or "bad_alloc" in said[-2000:]:
        return InputError(f"reading the model brought its process down (signal {-code})" if code < 0 else
                          "reading the model needed too much memory", expected=f"a whole file; {limits}",
                          key="memory_mb", todo="export or copy it again; raise memory_mb if it is large")  # fmt: skip
    return told(said, f"reading the model ended with code {code}")


def limited(order: dict[str, Any]) -> dict[str, Any]:
    """In the process: what was asked, and its limits taken on.  Windows has none of them but the time."""
    die_with_parent(order.pop("parent"))
    sys.path[:] = order.pop("sys_path")
    memory, seconds = order.pop("memory_mb") << 20, int(60 * order.pop("minutes")) + 1
    if sys.platform != "win32":
        import resource

        wanted = {resource.RLIMIT_AS: memory, resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: WRITTEN,
                  resource.RLIMIT_CPU: seconds * (os.cpu_count() or 1)}  # fmt: skip
        for what, most in wanted.items():
            hard = resource.getrlimit(what)[1]
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    return order
