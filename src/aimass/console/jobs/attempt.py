"""A job's process as its worker sees it: what it says, and how it is stopped, gently first."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from aimass.console.jobs.work import data_of
from aimass.core.errors import Stopped, TaskFailed
from aimass.runner.workspace import Workspace
from aimass.store.catalog import Row

GRACE = 10.0  # seconds that each way of asking it to stop is given


def folder_of(workspace: Workspace, job: str) -> Path:
    """Where JOB keeps its project file and its log."""
    return workspace.folder / "jobs" / str(int(job))


def log_of(workspace: Workspace, job: str) -> Path:
    """What the processes of JOB said."""
    return folder_of(workspace, job) / "log.txt"


class Attempt:
    """The process that carries out ROW, a job; GRACE seconds lie between asking it to stop and insisting."""

    def __init__(self, row: Row, workspace: Workspace, grace: float = GRACE) -> None:
        self.row, self.workspace, self.grace = row, workspace, grace
        self.run = ""  # its newest
        self.outcome: Any = None
        self.error: dict[str, str] | None = None
        self.asked = self.insisted = 0.0  # when, by the monotonic clock; 0: not yet
        self.rest = b""
        self._start()

    def _start(self) -> None:
        folder = folder_of(self.workspace, self.row["id"])
        folder.mkdir(parents=True, exist_ok=True)
        read_end, write_end = os.pipe()
        order = {"kind": self.row["kind"], "work": self.row["work"], "url": self.workspace.url, "folder": str(folder),
                 "path": [*filter(None, sys.path)], "answer": write_end, "parent": os.getpid()}  # fmt: skip
        # Paths in a task are relative to the data folder; what lies there is never imported (-P).
        command = [sys.executable, "-P", "-m", "aimass.console.jobs.process"]
        data_of(self.workspace).mkdir(exist_ok=True)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        with log_of(self.workspace, self.row["id"]).open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment,
                                            pass_fds=[write_end], start_new_session=True,
                                            cwd=data_of(self.workspace))  # fmt: skip
        os.close(write_end)
        os.set_blocking(read_end, False)
        self.pipe = read_end
        assert self.process.stdin is not None
        with suppress(BrokenPipeError), self.process.stdin as pipe:
            pipe.write(json.dumps(order).encode())

    def listen(self, seconds: float) -> None:
        """Hear for so long, or until it says something."""
        if select.select([self.pipe], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                self._hear(os.read(self.pipe, 1 << 16))

    def _hear(self, said: bytes) -> None:
        if not said:  # the end of the pipe: it has ended, or is about to
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
            return
        *lines, self.rest = (self.rest + said).split(b"\n")
        for line in lines:
            told = json.loads(line)
            self.run = told.get("run", self.run)
            self.outcome = told.get("outcome", self.outcome)
            self.error = told.get("error", self.error)

    @property
    def ended(self) -> bool:
        """Whether its process is no more; then all it said was heard."""
        if self.process.poll() is None:
            return False
        with suppress(BlockingIOError):
            while said := os.read(self.pipe, 1 << 16):
                self._hear(said)
        return True

    # -- the end ------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ask it to stop, again and again: its run at the next report, the process by an interrupt, then none asks."""
        clock = time.monotonic()
        if not self.asked:
            self.asked = clock
        if self.run:
            self.workspace.stop(self.run)  # also one that it began meanwhile
        if self.insisted:
            if clock - self.insisted > self.grace:
                self.kill()
        elif clock - self.asked > (self.grace if self._runs() else min(self.grace, 1.0)):
            self.insisted = clock
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGINT)

    def _runs(self) -> bool:
        return bool(self.run) and self.workspace.run_row(self.run)["state"] in ("running", "stopping")

    def kill(self) -> None:
        """End it, and what it started, at once."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """It has ended: nothing of it stays, and its run is not "running" any more."""
        self.kill()
        self.process.wait()
        os.close(self.pipe)
        if self.run:
            error = self.error or self.silent().as_json()
            self.workspace.catalog.close_run(self.run, error, "stopped" if self.asked else "failed")

    def silent(self) -> TaskFailed | Stopped:
        """Why it ended, where it did not say so itself."""
        code = self.process.returncode
        if self.asked:
            return Stopped("the job was stopped", todo="resume it: it goes on from its last checkpoint")
        died = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        return TaskFailed(f"the process of job {self.row['id']} {died} before it had a result",
                          expected="a job that ends by itself",
                          todo="see its log, then resume it: finished steps are reused")  # fmt: skip
