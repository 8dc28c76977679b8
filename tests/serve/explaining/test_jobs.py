"""Explanations that outlast their requests: found again by who asked, bounded, and gone after a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import Reply, Running
from tests.serve.explaining.conftest import ROW, said
from tests.serve.explaining.test_explaining import processes

from aimass.serve.access.file import edit_keys
from aimass.serve.access.keys import new_key
from aimass.serve.batch.base import Busy
from aimass.serve.explaining import jobs as module
from aimass.serve.explaining.jobs import BYTES, EACH, MOST, Job, Jobs
from aimass.serve.messages import Answer, Refused, json_answer

PATH = "/v1/explain/flights"
LATER = {"prefer": "respond-async"}
PATIENCE = 60.0  # seconds: beyond them a test has failed


def body(**asked: Any) -> dict[str, Any]:
    return {"record": ROW, "explain": {"target": "yes", "seed": 1, **asked}}


def over(port: int, place: str, **headers: str) -> Reply:
    """What is told of the job at PLACE when it is over."""
    until = time.monotonic() + PATIENCE
    while (reply := said(port, "GET", place, **headers)).status == 202:
        assert time.monotonic() < until, reply.body
        assert reply.headers["location"] == place and int(reply.headers["retry-after"]) >= 1
        time.sleep(0.05)
    return reply


# -- over HTTP ----------------------------------------------------------------------------------------------------


def test_who_would_rather_ask_again_gets_a_place_and_there_what_the_request_would_have_had(server: Running) -> None:
    asked = body(budget_ms=20_000)
    first = said(server.port, "POST", PATH, asked, **LATER)
    assert first.status == 202 and first.headers["preference-applied"] == "respond-async"
    place = first.headers["location"]
    assert place == f"/v1/explain/jobs/{first.json['job']}" == first.json["location"]
    later, now = over(server.port, place), said(server.port, "POST", PATH, asked)
    assert later.status == now.status == 200 and later.json["model"] == now.json["model"] == "flights"
    parts = [[part["attribution"] for part in told.json["explanations"][0]["attributions"]] for told in (later, now)]
    assert parts[0] == parts[1]
    assert said(server.port, "GET", place).json == later.json  # and may be asked for once more


def test_an_answer_that_comes_while_it_is_waited_for_needs_no_place(server: Running) -> None:
    told = said(server.port, "POST", PATH, body(budget_ms=2000), prefer="respond-async, wait=30")
    assert told.status == 200 and told.json["explanations"] and "location" not in told.headers


def test_what_no_request_waits_for_is_a_job_whoever_asks_and_its_end_ends_the_work(server: Running) -> None:
    asked = body(budget_ms=120_000, evaluations=5_000_000, method={"use": "shapley", "precision": 0.0, "exact": 0})
    first = said(server.port, "POST", PATH, asked)
    assert first.status == 202 and "preference-applied" not in first.headers
    place, until = first.json["location"], time.monotonic() + PATIENCE
    assert said(server.port, "GET", place).status == 202
    assert said(server.port, "POST", PATH, body()).status == 200  # a short one does not wait for it
    while len(working := processes(server.ready["pid"])) < 2:
        assert time.monotonic() < until
    assert said(server.port, "DELETE", place).json["state"] == "ended"
    assert said(server.port, "GET", place).status == said(server.port, "DELETE", place).status == 404
    while {*working} <= {*processes(server.ready["pid"])}:
        assert time.monotonic() < until


def test_a_mistake_is_told_at_once_or_where_the_answer_would_be(server: Running) -> None:
    assert said(server.port, "POST", PATH, body(budjet_ms=1), **LATER).status == 400
    assert said(server.port, "POST", PATH, body(budget_ms=1e9), **LATER).status == 400
    unknown = said(server.port, "POST", PATH, body(target="maybe"), **LATER)
    told = over(server.port, unknown.json["location"])
    assert told.status == 400 and "maybe" in told.json["error"]


def test_a_prediction_is_given_at_once_and_its_explanation_later(server: Running) -> None:
    told = said(server.port, "POST", "/v1/predict/flights", body(budget_ms=2000), **LATER)
    assert told.status == 200 and told.json["predictions"] and told.json["explain"]["status"] == 202
    found = over(server.port, told.json["explain"]["location"]).json["explanations"][0]
    assert found["prediction"] == pytest.approx(told.json["predictions"][0]["probabilities"]["yes"], abs=1e-6)


@pytest.mark.parametrize("id", ["0-nothing", "7-nothing", "nothing", "-", "²-a", "0" * 99 + "-a", "0-%00"])
def test_what_is_no_job_is_not_there(server: Running, id: str) -> None:
    for method in ("GET", "DELETE"):
        told = said(server.port, method, f"/v1/explain/jobs/{id}".replace("²", "%C2%B2"))
        assert told.status == 404 and "ask anew" in told.json["to_do"]


def test_a_job_is_there_for_the_key_that_asked_and_for_no_other(start: Any, folder: Path, tmp_path: Path) -> None:
    (mine, one), (other, two), (reads, three) = (
        new_key(name, scopes) for name, scopes in (("a", ("explain",)), ("b", ("explain",)), ("c", ("read",)))
    )
    edit_keys(tmp_path / "keys", lambda keys: [mine, other, reads])
    with start(folder, "--keys", str(tmp_path / "keys")) as server:
        place = said(server.port, "POST", PATH, body(), **LATER, x_api_key=one).json["location"]
        assert over(server.port, place, x_api_key=one).status == 200
        for method in ("GET", "DELETE"):
            statuses = [said(server.port, method, place, x_api_key=token).status for token in (two, three)]
            assert statuses == [404, 403] and said(server.port, method, place).status == 401
        assert said(server.port, "DELETE", place, x_api_key=one).status == 200


def test_a_server_that_ends_waits_for_no_job(start: Any, folder: Path) -> None:
    with start(folder) as server:
        assert said(server.port, "POST", PATH, body(budget_ms=100_000), **LATER).status == 202
        assert server.end() == (0, "")


# -- what is kept --------------------------------------------------------------------------------------------------


async def at_once() -> Answer:
    return json_answer({"told": True})


async def never() -> Answer:
    await asyncio.Event().wait()
    raise AssertionError


def run(talk: Callable[[Jobs], Awaitable[None]]) -> None:
    async def main() -> None:
        jobs = Jobs()
        await talk(jobs)
        jobs.close()
        assert not jobs.kept

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def begin(jobs: Jobs, work: Any = never, owner: str = "", size: int = 0) -> Job:
    return jobs.begin(work, owner=owner, model="m", size=size, seconds=1.0)


async def begun(jobs: Jobs, owner: str = "") -> Job:
    """One that is over."""
    job = begin(jobs, at_once, owner)
    await job.task
    return job


def test_an_answer_that_nobody_takes_is_gone_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 0.001)

    async def talk(jobs: Jobs) -> None:
        job = await begun(jobs)
        assert job.told().status == 200
        while jobs.kept:
            await asyncio.sleep(0.001)
        with pytest.raises(Refused, match=job.id):
            jobs.find(job.id, "")

    run(talk)


def test_the_oldest_answer_makes_room_and_what_is_under_way_never_does() -> None:
    async def talk(jobs: Jobs) -> None:
        first = begin(jobs)
        second, third = await begun(jobs), await begun(jobs)
        rest = [begin(jobs) for _ in range(MOST - 3)]
        begin(jobs)
        assert {first.id, third.id} <= {*jobs.kept} and second.id not in jobs.kept
        begin(jobs)
        assert third.id not in jobs.kept and len(jobs.kept) == MOST
        with pytest.raises(Busy, match="no room"):
            begin(jobs)
        jobs.forget(rest[0])
        begin(jobs)

    run(talk)


def test_a_key_that_holds_all_it_may_makes_room_among_its_own() -> None:
    async def talk(jobs: Jobs) -> None:
        theirs, oldest = await begun(jobs, "b"), await begun(jobs, "a")
        for _ in range(EACH - 1):
            begin(jobs, owner="a")
        begin(jobs, owner="a")
        assert theirs.id in jobs.kept and oldest.id not in jobs.kept
        with pytest.raises(Busy):
            begin(jobs, owner="a")
        begin(jobs, owner="b")

    run(talk)


def test_what_is_held_has_a_bound_in_bytes() -> None:
    async def talk(jobs: Jobs) -> None:
        over = await begun(jobs)
        begin(jobs, size=BYTES - over.size + 1)
        assert over.id not in jobs.kept
        with pytest.raises(Busy):
            begin(jobs, size=BYTES)

    run(talk)


def test_an_answer_that_is_too_large_is_not_kept_but_told_of() -> None:
    async def talk(jobs: Jobs) -> None:
        async def large() -> Answer:
            return Answer(b"x" * (module.LARGEST + 1))

        job = begin(jobs, large)
        await job.task
        assert job.told().status == 413 and job.size < 1000

    run(talk)


def test_an_end_ends_the_work() -> None:
    async def talk(jobs: Jobs) -> None:
        job = begin(jobs)
        assert jobs.told(job.id, "", end=False)["status"] == 202
        assert jobs.told(job.id, "", end=True)["status"] == 200
        await asyncio.wait({job.task})
        assert job.task.cancelled()

    run(talk)


def test_ids_cannot_be_guessed() -> None:
    async def talk(jobs: Jobs) -> None:
        ids = {begin(jobs).id for _ in range(20)}
        assert all(len(id) > 20 for id in ids) and len(ids) == 20

    run(talk)
