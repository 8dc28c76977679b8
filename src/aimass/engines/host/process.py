"""One process of a model, as the server sees it: its start, its calls, its end."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from aimass.core.errors import AimassError, error_from_json
from aimass.engines.base import Died
from aimass.engines.host.limits import Limits, held
from aimass.engines.host.memory import mapped, shared_memory

WORD = struct.Struct("<BQ")  # kind, bytes in the memory
READY, ASK, ANSWER, ERROR = range(1, 5)
TICK = 0.25  # seconds between looks at its memory
LINES = 20  # of what it said last
GRACE = 1.0  # seconds to end by itself, when asked to
WORDS = 1 << 20  # bytes of an error
DAMAGED = (ValueError, TypeError, KeyError, OverflowError, RecursionError)  # what reading nonsense raises
# What it finds in its environment.  The rest may hold secrets, which are none of a model's business.
NAMES = ("HOME", "LANG", "LANGUAGE", "PATH", "TMPDIR", "TZ")
PREFIXES = ("CUDA", "HF_", "HIP", "KMP_", "LC_", "LD_", "MKL_", "NVIDIA_", "OMP_", "OPENBLAS_", "ORT_", "PYTHON",
            "TORCH", "XDG_")  # fmt: skip


class Process:
    """A process that runs ENGINE (its settings) on the model FOLDER.  WAKE becomes readable when it is to end.

    The thread that makes it must live as long as it: on Linux the kernel ends it with that thread.
    """

    def __init__(self, engine: Mapping[str, Any], folder: Path, limits: Limits, wake: socket.socket) -> None:
        self.limits = limits
        self.why = ""  # it was ended
        self.last: deque[str] = deque(maxlen=LINES)
        self.ended = threading.Event()
        self.asked = threading.Lock()  # held by who reads and writes the memory: nothing is closed under them
        self.memory, room = shared_memory(limits.room_mb)
        self.questions, self.answers = mapped(self.memory, room)
        self.line, theirs = socket.socketpair()
        order = {
            "engine": dict(engine), "folder": str(folder), "limits": limits.settings(), "memory": self.memory,
            "room": room, "socket": theirs.fileno(), "parent": os.getpid(), "path": [p for p in sys.path if p],
        }  # fmt: skip
        try:
            with theirs:
                self.child = _start(order)
        except OSError:
            self.line.close()
            os.close(self.memory)
            raise
        assert self.child.stdout is not None
        self.output = self.child.stdout
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.output, selectors.EVENT_READ, self._hear)
        self.selector.register(wake, selectors.EVENT_READ, lambda: None)

    # -- for the thread that keeps it ---------------------------------------------------------------------------

    def load(self, stopping: Callable[[], bool]) -> None:
        """Wait until it is ready.  Raises what it raised, or Died; returns early when STOPPING."""
        until, spoke = time.monotonic() + self.limits.load_seconds, threading.Event()
        self.selector.register(self.line, selectors.EVENT_READ, spoke.set)
        while not (stopping() or spoke.is_set() or self.why):
            if time.monotonic() > until:
                self.kill(f"was not ready after {self.limits.load_seconds:g} s")
            self._look(TICK)
        self.selector.unregister(self.line)
        if stopping():
            return
        try:
            kind, length = self._word(GRACE)
            if kind != READY:
                raise self._error(length)
        except (OSError, *DAMAGED) as error:
            self.end()
            raise self.died() from error

    def watch(self, stopping: Callable[[], bool]) -> None:
        """Until it has ended, or STOPPING."""
        while not (stopping() or self.why) and self.child.poll() is None:
            self._look(TICK)

    def end(self) -> str:
        """End it, whatever it does; gives why it ended."""
        if self.ended.is_set():
            return self.why
        with suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)  # whoever waits for an answer hears of it, and it may leave
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(0.0 if self.why else GRACE)
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)  # it, and what it may have started
        code = self.child.wait()
        self.why = self.why or _ending(code)
        self.selector.close()
        with suppress(BlockingIOError):
            self._hear()
        self.output.close()
        self.ended.set()
        with self.asked:
            self._free()
        return self.why

    def _free(self) -> None:
        self.line.close()
        self.questions.close()
        self.answers.close()
        os.close(self.memory)

    def _look(self, seconds: float) -> None:
        """For so many SECONDS at what it says; then at what it holds."""
        for key, _ in self.selector.select(seconds):
            key.data()
        taken, most = held(self.child.pid), self.limits.bytes_held()
        if taken is not None and taken > most:
            self.kill(f"held {taken / 1e6:.0f} MB of the {most / 1e6:.0f} MB it may hold")

    def _hear(self) -> None:
        """Pass on what it printed."""
        text = os.read(self.output.fileno(), 1 << 16)
        if text:
            lines = text.decode(errors="replace").rstrip("\n").split("\n")
            self.last.extend(lines[-LINES:])
            print(*lines, sep="\n", file=sys.stderr)
        elif self.selector.get_map():
            self.selector.unregister(self.output)  # it has ended, or closed it

    # -- for callers, one at a time -----------------------------------------------------------------------------

    def ask(self, tensors: Mapping[str, np.ndarray], seconds: float) -> dict[str, np.ndarray]:
        """Its answer to TENSORS.  Raises what it raised; Died when there is none within SECONDS, and ends it then."""
        with self.asked:
            if self.ended.is_set():
                raise self.died()
            return self._answer(tensors, seconds)

    def _answer(self, tensors: Mapping[str, np.ndarray], seconds: float) -> dict[str, np.ndarray]:
        length = self.questions.write(tensors)
        try:
            self.line.settimeout(seconds)
            self.line.sendall(WORD.pack(ASK, length))
            kind, length = self._word(seconds)
            if kind != ANSWER:
                raise self._error(length)
            return self.answers.read(length, own=True)
        except TimeoutError as error:
            self.kill(f"gave no answer in {seconds:.3g} s")
            raise self.died() from error
        except OSError as error:
            raise self.died() from error
        except DAMAGED as error:
            self.kill(f"gave an answer that cannot be read: {error}")
            raise self.died() from error
        finally:
            self.questions.release()

    def kill(self, why: str) -> None:
        """End it because of WHY."""
        if not self.ended.is_set():
            self.why = self.why or why
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)

    def died(self) -> Died:
        """What a caller is told when it is gone."""
        self.ended.wait(3 * GRACE)
        said = "".join(f"\n    {line}" for line in self.last)
        what = f"the process of the model {self.why or 'ended'}"
        return Died(
            f"{what}; its last lines:{said}" if said else what,
            expected="an answer",
            todo="ask again; where it happens again, look at what this request has that others have not",
        )

    def _word(self, seconds: float) -> tuple[int, int]:
        """What it says next.  Raises TimeoutError, ConnectionError when it has ended, ValueError for nonsense."""
        self.line.settimeout(seconds)
        word = self.line.recv(WORD.size)
        if not word:
            raise ConnectionError("it has ended")
        if len(word) != WORD.size:
            raise ValueError(f"{len(word)} bytes are no word")
        kind, length = WORD.unpack(word)
        if kind not in (READY, ANSWER, ERROR):
            raise ValueError(f"a word of kind {kind}")
        return kind, length

    def _error(self, length: int) -> AimassError:
        """What it wrote instead of an answer.  Raises one of DAMAGED for what is none."""
        fields = json.loads(self.answers.read_bytes(min(length, WORDS)))
        return error_from_json({"error": str(fields["error"]), **{name: str(text) for name, text in fields.items()}})


def _start(order: dict[str, Any]) -> subprocess.Popen[bytes]:
    """A fresh interpreter; its order goes over stdin, because a command line is public."""
    environment = {n: v for n, v in os.environ.items() if n in NAMES or n.startswith(PREFIXES)}
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "aimass.engines.host"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**environment, "PYTHONPATH": os.pathsep.join(order["path"])},
        pass_fds=(order["memory"], order["socket"]),
        start_new_session=True,
    )
    assert child.stdin is not None and child.stdout is not None
    os.set_blocking(child.stdout.fileno(), False)
    with suppress(BrokenPipeError), child.stdin as pipe:
        pipe.write(json.dumps(order).encode())
    return child


def _ending(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
