"""A server of several processes, and callers who notice what happens to them."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import PATIENCE, Running, serving
from tests.serve.versions.conftest import write_version


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 to 3 of m."""
    root = tmp_path_factory.mktemp("workers")
    for number in (1, 2, 3):
        write_version(root / "m" / str(number), number)
    return root


class Crew(Running):
    """A supervisor with its workers."""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, raw
        return json.loads(raw) if answer.getheader("content-type") == "application/json" else raw.decode()

    def version(self) -> int:
        """Which version answers a fresh connection."""
        value = self.ask("POST", "/v1/predict/m", {"record": {"a": 7.0}})["predictions"][0]["value"]
        assert value % 1000 == 7
        return int(value // 1000)

    def workers(self) -> list[dict[str, Any]]:
        return list(self.ask("GET", "/v1/health")["workers"])

    def processes(self) -> list[int]:
        """Of the supervisor: its workers, and the one that waits for a place."""
        told = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        until = time.monotonic() + PATIENCE
        while len(found := told.read_text().split()) <= len(self.workers()):
            assert time.monotonic() < until
            time.sleep(0.05)
        return [int(pid) for pid in found]

    def waiting(self) -> int:
        """The process that waits for a place."""
        (found,) = {*self.processes()} - {worker["pid"] for worker in self.workers()}
        return found

    def until(self, true: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The workers, when something is TRUE of them."""
        until = time.monotonic() + PATIENCE
        while not true(found := self.workers()):
            assert time.monotonic() < until, found
            time.sleep(0.05)
        return found

    def back(self, before: list[dict[str, Any]], seat: int) -> list[dict[str, Any]]:
        """The workers, when another one sits on SEAT than BEFORE, and answers."""
        gone = before[seat]["pid"]
        return self.until(lambda now: now[seat]["state"] == "ready" and now[seat]["pid"] != gone)

    def requests(self) -> int:
        """Good answers of m, as the metrics say."""
        lines = str(self.ask("GET", "/metrics")).splitlines()
        return sum(int(line.split()[-1]) for line in lines if line.startswith('aimass_requests_total{model="m"'))

    def counts_up_to(self, wanted: int) -> bool:
        """Whether the metrics say WANTED good answers of m, once they say no less: a worker that is too busy to answer
        the others counts as it last did."""
        until = time.monotonic() + PATIENCE
        while (found := self.requests()) < wanted:
            assert time.monotonic() < until, (found, wanted)
            time.sleep(0.05)
        return found == wanted


def crewed(shelf: Path, *more: str, workers: int = 2) -> AbstractContextManager[Crew]:
    """One of so many WORKERS."""
    return serving("--repository", str(shelf), "--workers", str(workers), *more, kind=Crew)


@pytest.fixture(scope="session")
def crew(shelf: Path) -> Iterator[Crew]:
    """One for every test that leaves all workers as they were, or others in their places."""
    with crewed(shelf, "--worker-failures", "100") as found:
        yield found
        code, said = found.end()
        assert code == 0 and all(line.startswith("worker ") for line in said.splitlines()), said


class Caller(threading.Thread):
    """Asks again and again.  `broken` are connections that ended without an answer, `wrong` is what must not be."""

    def __init__(self, port: int, *, fresh: bool) -> None:
        super().__init__()
        self.port, self.fresh = port, fresh
        self.stopped = threading.Event()
        self.answered, self.broken, self.wrong = 0, list[str](), list[str]()

    def run(self) -> None:
        while not self.stopped.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            try:
                self.until_closed(connection)
            except (ConnectionError, http.client.HTTPException) as error:
                self.broken.append(repr(error))
            except Exception as error:
                self.wrong.append(repr(error))
            finally:
                connection.close()

    def until_closed(self, connection: http.client.HTTPConnection) -> None:
        closing = None
        while closing != "close" and not self.stopped.is_set():
            asked = float(self.answered % 100)
            connection.request("POST", "/v1/predict/m", json.dumps({"record": {"a": asked}}))
            answer = connection.getresponse()
            closing = "close" if self.fresh else answer.getheader("connection")
            told = json.loads(answer.read())
            if answer.status != 200 or told["predictions"][0]["value"] % 1000 != asked:
                self.wrong.append(str(told))
            self.answered += 1


@contextmanager
def asking(port: int, kept: int = 4, fresh: int = 2) -> Iterator[list[Caller]]:
    callers = [Caller(port, fresh=i >= kept) for i in range(kept + fresh)]
    for caller in callers:
        caller.start()
    try:
        warm(callers)
        yield callers
    finally:
        for caller in callers:
            caller.stopped.set()
        for caller in callers:
            caller.join()


def warm(callers: list[Caller], more: int = 30) -> None:
    """Until each of CALLERS, unless it has ended, was answered so many times MORE."""
    wanted = {caller: caller.answered + more for caller in callers}
    until = time.monotonic() + PATIENCE
    while any(caller.is_alive() and caller.answered < most for caller, most in wanted.items()):
        assert time.monotonic() < until, [(caller.answered, caller.wrong) for caller in callers]
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
