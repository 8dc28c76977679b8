"""The console's end of the line to the process that knows steps: begun by a question, ended when none comes."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from typing import IO, Any

from aimass.console.turn import Turn
from aimass.core.errors import StoreError, error_from_json

PATIENCE = 60.0  # seconds for an answer: the first one waits for torch to be imported
IDLE = 300.0  # seconds without a question after which the process ends


class Apart:
    """One process, asked by one thread at a time; where more wait than a few, they are told to come again.

    A process that does not answer (a module may do anything when it is imported) is ended; the next question begins
    another one.
    """

    def __init__(self, patience: float = PATIENCE, idle: float = IDLE) -> None:
        self.patience, self.idle = patience, idle
        self.turn = Turn("the process that checks forms has others to answer")
        self.lock = threading.Lock()  # between questions, and the end that comes when there are none
        self.process: subprocess.Popen[bytes] | None = None
        self.timer: threading.Timer | None = None
        atexit.register(self.close)

    def form(self, verb: str) -> dict[str, Any]:
        """`fields.form_of`.  Raises InputError when there is no such step, StoreError when nobody answers,
        Refusal (503) when many ask."""
        return self._ask({"ask": "form", "verb": verb})

    def check(self, draft: dict[str, Any]) -> dict[str, Any]:
        """`check.checked`.  Raises as `form` does."""
        return self._ask({"ask": "check", "draft": draft})

    def close(self) -> None:
        """End the process, if there is one."""
        with self.lock:
            self._end()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self.turn, self.lock:
            if self.timer:
                self.timer.cancel()
            try:
                told = self._answer(json.dumps(question).encode() + b"\n")
            except OSError as error:
                self._end()
                raise StoreError(f"the process that checks forms cannot be used: {error}", todo="try again") from error
            self.timer = threading.Timer(self.idle, self.close)
            self.timer.daemon = True
            self.timer.start()
        if "error" in told:
            raise error_from_json(told["error"])
        answer: dict[str, Any] = told["answer"]
        return answer

    def _answer(self, line: bytes) -> dict[str, Any]:
        if self.process is None or self.process.poll() is not None:
            self._begin()
        process = self.process
        assert process and process.stdin and process.stdout
        end, rest, said = time.monotonic() + self.patience, memoryview(line), b""
        while rest:  # a pipe holds 64 KiB: one that does not read takes no more
            self._wait([], [process.stdin], end)
            rest = rest[os.write(process.stdin.fileno(), rest) :]
        while not said.endswith(b"\n"):
            self._wait([process.stdout], [], end)
            more = os.read(process.stdout.fileno(), 1 << 20)
            if not more:
                raise BrokenPipeError("it has ended")
            said += more
        found: dict[str, Any] = json.loads(said)
        return found

    def _wait(self, readable: list[IO[bytes]], writable: list[IO[bytes]], end: float) -> None:
        """Until one of them is ready.  Raises TimeoutError at END."""
        left = end - time.monotonic()
        if left <= 0 or not any(select.select(readable, writable, [], left)):
            raise TimeoutError(f"it said nothing for {self.patience:.0f} seconds")

    def _begin(self) -> None:
        """It ends with its standard input, so also when this process is killed."""
        self._end()
        command = [sys.executable, "-m", "aimass.console.forms.process"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0
        )
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"path": sys.path}).encode() + b"\n")
        os.set_blocking(self.process.stdin.fileno(), False)

    def _end(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None
        if self.process:
            self.process.kill()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe:
                    pipe.close()
            self.process.wait()
            self.process = None


steps = Apart()  # of this process: what steps take is the same for every workspace
