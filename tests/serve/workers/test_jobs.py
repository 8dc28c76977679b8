"""Jobs of a server of several processes: found from each, and gone with the one that made them."""

from __future__ import annotations

import os
import signal

from tests.serve.explaining.conftest import said
from tests.serve.explaining.test_jobs import LATER, over
from tests.serve.workers.conftest import Crew

BODY = {"record": {"a": 7.0}, "explain": {"budget_ms": 500}}


def test_a_job_is_found_whichever_worker_is_asked_and_ends_with_its_own(crew: Crew) -> None:
    place = said(crew.port, "POST", "/v1/explain/m", BODY, **LATER).json["location"]
    told = over(crew.port, place).json
    assert told["explanations"][0]["prediction"] == 3007.0
    assert all(said(crew.port, "GET", place).json == told for _ in range(20))
    for seat in (0, 1):
        before = crew.workers()
        os.kill(before[seat]["pid"], signal.SIGKILL)
        crew.back(before, seat)
    assert {said(crew.port, "GET", place).status for _ in range(10)} == {404}


def test_a_job_that_one_worker_makes_is_ended_by_another(crew: Crew) -> None:
    places = [said(crew.port, "POST", "/v1/explain/m", BODY, **LATER).json["location"] for _ in range(8)]
    assert {said(crew.port, "DELETE", place).status for place in places} == {200}
    assert {said(crew.port, "GET", place).status for place in places} == {404}
