"""Takes one job at a time from the queue and sees it through: its process, its lease, its end."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable

from aimass.console.alive import here, lives
from aimass.console.jobs.attempt import GRACE, Attempt, log_of
from aimass.console.logs.aside import JOB, put_aside
from aimass.runner.workspace import Workspace
from aimass.store.catalog import Row
from aimass.store.jobs import CANCELLED, CANCELLING, FAILED, FINISHED, LEASE, Jobs

log = logging.getLogger("aimass.console")
LOOK = 0.3  # seconds between looks at the queue, and at a job that runs


class Worker:
    """Of the queue in WORKSPACE; a LEASE is renewed three times as often as it lasts.

    BEAT is called at each look, TOLD with the job that it carries out.
    """

    def __init__(
        self, workspace: Workspace, *, lease: float = LEASE, grace: float = GRACE,
        beat: Callable[[], None] = lambda: None, told: Callable[..., None] = lambda **_: None,
    ) -> None:  # fmt: skip
        self.workspace, self.lease, self.grace, self.every = workspace, lease, grace, LOOK
        self.beat, self.told = beat, told  # it is not stuck; which job it has
        self.jobs = Jobs(workspace.catalog)
        self.holder = f"{socket.gethostname()} {here()} {id(self)}"
        self.leaving = threading.Event()

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Until `leave`; the job that runs then waits for another worker."""
        self.forfeit()
        ready()
        while not self.leaving.is_set():
            self.beat()
            row = self.jobs.claim(self.holder, self.lease)
            if row is None:
                self.leaving.wait(self.every)
            else:
                self.told(job=row["id"])
                self.see_through(row)
                self.told(job=None)

    def leave(self) -> None:
        """Stop what runs and take no more."""
        self.leaving.set()

    def let(self, seconds: float) -> None:
        """Give jobs so long for each way of asking them to stop, from the next job on."""
        self.grace = seconds

    def look(self, seconds: float) -> None:
        """Look at the queue this often."""
        self.every = seconds

    def forfeit(self) -> None:
        """Take up at once what workers of this machine left that are no more."""
        for row in self.jobs.held():
            host, _, process = row["holder"].partition(" ")
            if host == socket.gethostname() and not lives(process.partition(" ")[0]):
                self.jobs.forfeit(row["id"], row["holder"])

    def see_through(self, row: Row) -> None:
        """Carry out ROW to its end, whatever that is."""
        attempt, log_file = Attempt(row, self.workspace, self.grace), log_of(self.workspace, row["id"])
        told, run = time.monotonic(), ""
        try:
            log.info("job %s begins: %r", row["id"], row["label"])
            while not attempt.ended:
                self.beat()
                attempt.listen(self.every)
                put_aside(log_file, JOB)
                if attempt.run != run:
                    run = attempt.run
                    self.jobs.at_run(row["id"], self.holder, run)
                if time.monotonic() - told > self.lease / 3:
                    self.jobs.beat(row["id"], self.holder, self.lease)
                    told = time.monotonic()
                self._mind(attempt)
        finally:
            attempt.close()
        self._conclude(row["id"], attempt)

    def _mind(self, attempt: Attempt) -> None:
        """Do what was asked of the job meanwhile."""
        row = self.jobs.row(attempt.row["id"])
        if row["holder"] != self.holder:  # it is another worker's by now
            attempt.kill()
        elif row["state"] == CANCELLING or self.leaving.is_set():
            attempt.stop()

    def _conclude(self, job: str, attempt: Attempt) -> None:
        log.info("job %s ends", job)
        if attempt.run:
            self.jobs.at_run(job, self.holder, attempt.run)
        if attempt.outcome is not None:
            self.jobs.end(job, self.holder, FINISHED, outcome=attempt.outcome)
        elif attempt.asked and self.leaving.is_set():
            self.jobs.put_back(job, self.holder)
        else:
            error = attempt.error or attempt.silent().as_json()
            stopped = error["type"] == "Stopped"
            self.jobs.end(job, self.holder, CANCELLED if stopped else FAILED, error=error)
