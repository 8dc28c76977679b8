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
from typing import Any

from aimass.core.errors import StoreError, error_from_json

PATIENCE = 60.0  # seconds for an answer: the first one waits for torch to be imported
IDLE = 300.0  # seconds without a question after which the process ends


class Apart:
    """One process, asked by one thread at a time.

    A process that does not answer (a module may do anything when it is imported) is ended; the next question begins
    another one.
    """

    def __init__(self, patience: float = PATIENCE, idle: float = IDLE) -> None:
        self.patience, self.idle = patience, idle
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.timer: threading.Timer | None = None
        atexit.register(self.close)

    def form(self, verb: str) -> dict[str, Any]:
        """`fields.form_of`.  Raises InputError when there is no such step, StoreError when nobody answers."""
        return self._ask({"ask": "form", "verb": verb})

    def check(self, draft: dict[str, Any]) -> dict[str, Any]:
        """`check.checked`.  Raises as `form` does."""
        return self._ask({"ask": "check", "draft": draft})

    def close(self) -> None:
        """End the process, if there is one."""
        with self.lock:
            self._end()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
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
        process.stdin.write(line)
        process.stdin.flush()
        end, said = time.monotonic() + self.patience, b""
        while not said.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise TimeoutError(f"it said nothing for {self.patience:.0f} seconds")
            more = os.read(process.stdout.fileno(), 1 << 20)
            if not more:
                raise BrokenPipeError("it has ended")
            said += more
        found: dict[str, Any] = json.loads(said)
        return found

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
