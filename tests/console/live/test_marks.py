"""Topics that only say that something is another: told at each change, never without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.console import published
from tests.console.endpoints.test_figures import text

from aimass.console.endpoints.ring import Ring
from aimass.console.jobs.attempt import log_of
from aimass.console.live import marks
from aimass.console.live.marks import Marks
from aimass.console.up import state as up
from aimass.core.task import Task
from aimass.runner.workspace import Workspace
from aimass.store.jobs import FAILED, Jobs


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "space")


def test_what_was_learned_or_told_is_no_news() -> None:
    now: dict[str, Any] = {"a": 1, "b": 1}
    news = Marks(lambda name: now[name])
    news.learn("a")
    assert news.look({"a"}) == []
    now["a"] = 2
    assert news.look({"a", "b"}) == [("a", {}), ("b", {})]  # whether b changed nobody knows
    assert news.look({"a", "b"}) == []
    now["b"] = 2
    assert news.look({"a"}) == [] and news.look({"a", "b"}) == [("b", {})]


def test_jobs_are_told_at_each_turn_and_a_job_at_each_word(space: Workspace) -> None:
    jobs, topics = Jobs(space.catalog), {"jobs", "job/1"}
    job = jobs.ask("task", {})["id"]
    news = Marks(marks.of_jobs(space))
    for topic in topics:
        news.learn(topic)
    turns = [
        lambda: jobs.claim("me"), lambda: jobs.at_run(job, "me", space.catalog.start_run(Task("train", 1, {}, {}))),
        lambda: jobs.end(job, "me", FAILED), lambda: jobs.resume(job), lambda: jobs.cancel(job),
    ]  # fmt: skip
    for turn in turns:
        turn()
        assert news.look(topics) == [("job/1", {}), ("jobs", {})] and news.look(topics) == []
    log_of(space, job).parent.mkdir(parents=True)
    log_of(space, job).write_text("said")
    assert news.look(topics) == [("job/1", {})]
    jobs.ask("task", {})
    assert news.look(topics) == [("jobs", {})]


def test_endpoints_are_told_when_they_are_published_and_answer_and_once_a_minute(space: Workspace) -> None:
    clock, answers, told = [60.0], [0], [("endpoints", {})]
    ring = Ring(lambda: text(*[(200, 0.01)] * answers[0], model="flights"), lambda: clock[0])
    ring.look()
    news = Marks(marks.of_endpoints(space, ring))
    news.learn("endpoints")
    published.registry(space)
    assert news.look({"endpoints"}) == told and news.look({"endpoints"}) == []
    for answers[0], clock[0], expected in ((0, 65.0, []), (20, 70.0, told), (20, 119.0, told), (20, 120.0, told)):
        ring.look()
        assert news.look({"endpoints"}) == expected, clock
        assert news.look({"endpoints"}) == []


def test_logs_and_home_are_told_when_something_is_said_or_fails(space: Workspace) -> None:
    logs, home = Marks(marks.of_logs(space)), Marks(marks.of_home(space, Ring(lambda: "")))
    logs.learn("log")
    home.learn("home")
    run = space.catalog.start_run(Task("train", 1, {}, {}))
    space.catalog.add_log(run, "a line")
    assert logs.look({"log"}) == [("log", {})] and logs.look({"log"}) == []
    (up.folder_of(space.folder) / "console.log").write_text("2026-11-22T00:00:00.000Z a line\n")
    assert logs.look({"log"}) == [("log", {})]
    assert home.look({"home"}) == [("home", {})]
    space.catalog.end_run(run, "failed", error={"error": "no"})
    assert home.look({"home"}) == [("home", {})] and home.look({"home"}) == []
