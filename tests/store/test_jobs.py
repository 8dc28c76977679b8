"""The queue's contract on both databases: one worker a job, and none is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aimass.core.errors import InputError
from aimass.store.catalog import Catalog
from aimass.store.jobs import TRIES, Jobs


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class QueueContract:
    """What every database promises."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def jobs(self, url: str, clock: Clock) -> Iterator[Jobs]:
        catalog = Catalog(url)
        yield Jobs(catalog, clock)
        catalog.engine.dispose()

    def test_the_oldest_job_is_taken_first_and_by_one(self, jobs: Jobs) -> None:
        first, second = (jobs.ask("task", {"step": "x"}, label=name, who="ada") for name in "ab")
        taken = jobs.claim("w1")
        assert taken is not None
        assert (taken["id"], taken["state"], taken["holder"], taken["who"]) == (first["id"], "running", "w1", "ada")
        assert taken["work"] == {"step": "x"} and taken["started"] and taken["ended"] is None
        other = jobs.claim("w2")
        assert other is not None and other["id"] == second["id"]
        assert jobs.claim("w3") is None
        assert jobs.counts() == {"running": 2}

    def test_many_workers_at_once_never_get_the_same_job(self, jobs: Jobs) -> None:
        asked = {jobs.ask("task", {})["id"] for _ in range(12)}
        start = threading.Barrier(6)

        def take(number: int) -> list[str]:
            start.wait()
            found = []
            while row := jobs.claim(f"w{number}"):
                found.append(row["id"])
            return found

        with ThreadPoolExecutor(6) as pool:
            taken = [job for found in pool.map(take, range(6)) for job in found]
        assert sorted(taken) == sorted(asked)

    def test_a_job_whose_worker_says_nothing_goes_to_another_and_what_the_first_says_then_is_refused(
        self, jobs: Jobs, clock: Clock
    ) -> None:
        job = jobs.ask("task", {})["id"]
        assert jobs.claim("w1", 20) is not None
        clock.now += 15
        assert jobs.beat(job, "w1", 20) == "running"
        clock.now += 15
        assert jobs.claim("w2", 20) is None  # told again in time
        clock.now += 6
        again = jobs.claim("w2", 20)
        assert again is not None and (again["id"], again["tries"]) == (job, 2)
        assert jobs.beat(job, "w1", 20) == ""
        jobs.at_run(job, "w1", "7")
        assert not jobs.end(job, "w1", "finished")
        assert not jobs.put_back(job, "w1")
        row = jobs.row(job)
        assert (row["state"], row["holder"], row["run"]) == ("running", "w2", None)

    def test_a_job_that_kills_its_workers_is_given_up(self, jobs: Jobs, clock: Clock) -> None:
        job = jobs.ask("task", {})["id"]
        for _ in range(TRIES):
            assert jobs.claim("w", 20) is not None
            clock.now += 21
        assert jobs.claim("w", 20) is None
        assert jobs.row(job)["state"] == "failed"
        assert "died 3 times" in jobs.row(job)["error"]["error"]
        assert jobs.resume(job)["error"] is None
        assert jobs.claim("w", 20) is not None

    def test_a_dead_worker_is_not_waited_for(self, jobs: Jobs) -> None:
        job = jobs.ask("task", {})["id"]
        assert jobs.claim("dead") is not None
        assert [row["id"] for row in jobs.held()] == [job]
        jobs.forfeit(job, "somebody else")
        assert jobs.claim("w2") is None
        jobs.forfeit(job, "dead")
        assert jobs.claim("w2") is not None

    def test_a_queued_job_is_cancelled_at_once_a_running_one_by_its_worker(self, jobs: Jobs) -> None:
        waiting, running = jobs.ask("task", {})["id"], ""
        assert jobs.cancel(waiting)["state"] == "cancelled"
        running = jobs.ask("task", {})["id"]
        assert jobs.claim("w1") is not None
        assert jobs.cancel(running)["state"] == "cancelling"
        assert jobs.cancel(running)["state"] == "cancelling"  # asked twice
        assert jobs.beat(running, "w1") == "cancelling"
        assert jobs.end(running, "w1", "cancelled")
        assert jobs.row(running)["state"] == "cancelled" and jobs.row(running)["holder"] is None
        assert jobs.cancel(running)["state"] == "cancelled"

    def test_a_job_whose_worker_died_while_it_was_cancelled_is_cancelled(self, jobs: Jobs, clock: Clock) -> None:
        job = jobs.ask("task", {})["id"]
        assert jobs.claim("w1", 20) is not None
        jobs.cancel(job)
        clock.now += 21
        assert jobs.claim("w2", 20) is None
        assert jobs.row(job)["state"] == "cancelled"

    def test_what_is_over_is_resumed_and_what_is_not_is_refused(self, jobs: Jobs) -> None:
        job = jobs.ask("task", {})["id"]
        with pytest.raises(InputError, match=f"job {job} is queued"):
            jobs.resume(job)
        jobs.cancel(job)
        assert jobs.resume(job)["state"] == "queued"
        assert jobs.claim("w1") is not None
        assert jobs.end(job, "w1", "finished", outcome={"digest": "d"})
        assert jobs.row(job)["outcome"] == {"digest": "d"}
        with pytest.raises(InputError, match=f"job {job} is finished"):
            jobs.resume(job)
        with pytest.raises(InputError, match=f"job {job} has finished"):
            jobs.cancel(job)

    def test_a_worker_that_leaves_puts_its_job_back_and_it_counts_as_no_try(self, jobs: Jobs) -> None:
        job = jobs.ask("task", {})["id"]
        for _ in range(TRIES + 2):
            assert jobs.claim("w1") is not None
            assert jobs.put_back(job, "w1")
        assert (jobs.row(job)["state"], jobs.row(job)["tries"]) == ("queued", 0)
        assert jobs.claim("w1") is not None
        jobs.cancel(job)
        assert jobs.put_back(job, "w1")
        assert jobs.row(job)["state"] == "cancelled"

    def test_jobs_are_listed_newest_first_page_by_page(self, jobs: Jobs) -> None:
        asked = [jobs.ask("task", {})["id"] for _ in range(5)]
        page = [row["id"] for row in jobs.rows(2)]
        assert page == asked[:-3:-1]
        assert [row["id"] for row in jobs.rows(9, before=page[-1])] == asked[2::-1]
        assert jobs.rows(state="running") == []

    @pytest.mark.parametrize("number", ["", "x", "-1", "99", "9" * 40, "1; drop table job", "²"])
    def test_a_number_that_is_none_is_refused(self, jobs: Jobs, number: str) -> None:
        for act in (jobs.row, jobs.cancel, jobs.resume):
            with pytest.raises(InputError, match="no job"):
                act(number)

    def test_a_job_of_no_known_kind_is_refused(self, jobs: Jobs) -> None:
        with pytest.raises(InputError, match="a job of kind 'shell'"):
            jobs.ask("shell", {})


class TestSqlite(QueueContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'catalog.db'}"


class TestPostgres(QueueContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url
