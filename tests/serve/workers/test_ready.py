"""Ready is said when all workers are, and nobody answers with less than was decided."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.serve.conftest import PATIENCE
from tests.serve.workers.conftest import Crew

READY = ("/v2/health/ready", "/v2/models/m/ready", "/v2/models/m/versions/3/ready", "/v1/models/m")


def status(connection: http.client.HTTPConnection, path: str, body: str | None = None) -> int:
    connection.request("GET" if body is None else "POST", path, body)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@contextmanager
def standing(crew: Crew) -> Iterator[list[http.client.HTTPConnection]]:
    """While a worker stands still: two connections to another one."""
    known = [http.client.HTTPConnection("127.0.0.1", crew.port, timeout=30) for _ in range(16)]
    for one in known:
        assert status(one, "/v2/health/ready") == 200
    pid = crew.workers()[0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        for one in known:
            one.request("GET", "/v2/health/live")
        yield answered(known, 2)
    finally:
        os.kill(pid, signal.SIGCONT)
        for one in known:
            one.close()


def answered(asked: list[http.client.HTTPConnection], many: int) -> list[http.client.HTTPConnection]:
    """So MANY of those that ASKED, when they were answered."""
    left, found = {one.sock: one for one in asked}, list[http.client.HTTPConnection]()
    while len(found) < many:
        heard, _, _ = select.select([*left], [], [], PATIENCE)
        assert heard
        for sock in heard:
            found.append(left.pop(sock))
            assert found[-1].getresponse().read()
    return found[:many]


def test_after_a_change_ready_is_said_when_all_workers_have_it(crew: Crew) -> None:
    label = json.dumps({"label": "best", "version": "3"})  # nothing has to be loaded for it
    with standing(crew) as (one, other):
        before = {path: status(other, path) for path in READY}
        changing = threading.Thread(target=status, args=(one, "/v1/deployments/m/label", label))
        changing.start()
        while status(other, "/v2/health/ready") == 200:
            assert changing.is_alive()
        during = {path: status(other, path) for path in READY}
        assert changing.is_alive() and status(other, "/v2/health/live") == 200
        assert status(other, "/v1/predict/m", '{"record": {"a": 1.0}}') == 200  # who asks is answered meanwhile
    changing.join()
    assert (before, during) == (dict.fromkeys(READY, 200), dict.fromkeys(READY, 503))
    for _ in range(30):  # whoever is asked
        fresh = http.client.HTTPConnection("127.0.0.1", crew.port, timeout=30)
        assert [status(fresh, path) for path in (*READY, "/v2/models/m/versions/best/ready")] == [200] * 5
        fresh.close()
    crew.ask("POST", "/v1/deployments/m/label", {"label": "best", "version": ""})


def test_who_follows_answers_nobody_before_it_has_what_was_decided_meanwhile(crew: Crew) -> None:
    for seat, version in ((0, 1), (1, 2), (0, 3)):
        before = crew.workers()
        os.kill(before[seat]["pid"], signal.SIGKILL)
        crew.until(lambda now, seat=seat, gone=before[seat]["pid"]: now[seat].get("pid") != gone)  # type: ignore[misc]
        crew.ask("POST", "/v1/deployments/m/serve", {"version": str(version)})
        while crew.workers()[seat]["state"] != "ready":
            assert crew.version() == version
        assert {crew.version() for _ in range(30)} == {version}
        crew.back(before, seat)
