"""Lets a version prove itself in a process of its own, which may crash, hang or grow without harm to anybody."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aimass.serve.messages import Refused
from aimass.serve.predictor import Wanted

MOST = 1 << 20  # bytes of what it may say


@dataclass(frozen=True)
class Probation:
    """A version is refused that does not answer its examples within SECONDS, or needs more than MEMORY_MB (0: any)."""

    seconds: float = 120.0
    memory_mb: int = 0

    async def __call__(self, wanted: Wanted) -> Mapping[str, Any]:
        """What the process found: bytes of memory, and seconds of a call by its rows.  Raises Refused."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aimass.serve.probation", str(wanted.folder), "--name", wanted.name,
            "--memory-mb", str(self.memory_mb), "--parent", str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self.seconds):
                said, status = await _whole(process.stdout), await process.wait()
        except TimeoutError:
            raise _refused(wanted, f"it did not answer its examples within {self.seconds:g} s") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return _found(wanted, said, status)


async def _whole(stream: asyncio.StreamReader) -> bytes:
    """What STREAM says until it ends, or about MOST bytes of it."""
    said = b""
    while len(said) < MOST and (more := await stream.read(MOST)):
        said += more
    return said


def _found(wanted: Wanted, said: bytes, status: int) -> Mapping[str, Any]:
    if status < 0:
        raise _refused(wanted, f"it ended its process by {signal.Signals(-status).name}")
    try:
        told = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        raise _refused(wanted, f"it ended its process with {status} and said nothing") from None
    if not isinstance(told, dict) or status:
        facts = told if isinstance(told, dict) else {}
        raise _refused(wanted, str(facts.get("error", f"exit code {status}")), facts)
    return told


def _refused(wanted: Wanted, why: str, facts: Mapping[str, Any] = {}) -> Refused:
    more: dict[str, Any] = {key: str(facts[key]) for key in ("expected", "to_do") if facts.get(key)}
    label = f"{wanted.name}@{wanted.word}" if wanted.word else wanted.name
    return Refused(400, f"{label} cannot be served: {why}", **more)
