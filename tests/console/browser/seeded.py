"""A workspace with runs, releases and jobs of every kind, made by the workspace's own ways."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from aimass.console.archives import exported
from aimass.console.beside import asked_at
from aimass.console.endpoints.figures import Counted
from aimass.console.endpoints.ring import Look, Ring
from aimass.console.jobs.work import data_of
from aimass.console.jobs.worker import Worker
from aimass.core.errors import InputError
from aimass.runner.machine.stretch import Reading, figures
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.catalog import Catalog
from aimass.store.figures import keep
from tests.console import chores, flights, published
from tests.console.browser.watched import NAME
from tests.console.endpoints.models import PEOPLE, clothes, customers, deep, publish, reviews
from tests.runner.test_runners import task_of
from tests.whole import tiny


def seeded(workspace: Workspace) -> None:
    """Runs of every kind and releases, made by the workspace's own ways."""
    published.registry(workspace)
    grows = replace(task_of(chores.grow, {}, points=40, pause=0.0), label="flights, small network")
    workspace.run(grows)
    worked(workspace.catalog, int(workspace.runs()[0]["id"]))
    workspace.run(grows)  # reused
    workspace.run(replace(task_of(chores.grow, {}, points=20, pause=0.0), label="flights, wide network"))
    for note in ("a carrier that nobody knows", "a row without a target"):
        with pytest.raises(InputError, match="cannot be used"):
            workspace.run(replace(task_of(chores.wrong, {}, note=note), label="flights, from yesterday"))
    folder = workspace.folder.parent / "incoming"
    folder.mkdir()
    flights.cleaned(workspace, flights.collected(workspace, folder))
    data_of(workspace).mkdir()
    (data_of(workspace) / "customers.csv").write_text("\n".join([tiny.HEADER, *tiny.lines(300)]) + "\n")
    worker = Worker(workspace)
    carried(workspace, worker)
    for name in ("flights", "reviews", "customers"):
        work = json.loads(task_of(chores.grow, {}, points=5, pause=0.0).to_json())
        worker.jobs.ask("task", work, label=name, who=NAME)
    done = worker.jobs.claim(worker.holder)
    assert done is not None
    worker.see_through(done)
    worker.jobs.cancel(worker.jobs.rows()[0]["id"])


def reading(age: float) -> Reading:
    """Of four cores, at an AGE from 0 to 1: a run that loads its rows, then computes, and saves at times."""
    work, save = min(1.0, 4 * age), float(age * 10 % 1 > 0.85)
    wave = math.sin(60 * age) + math.sin(143 * age)
    return {
        "host": "here", "cores": 4, "cpu": 0.6 + 2.4 * work + 0.08 * wave - save, "busy": 0.9 + 2.5 * work + 0.1 * wave,
        "memory": int(3e8 + 1.6e9 * work + 9e7 * (age * 10 % 1)), "used": int(4e9 + 1.8e9 * work + 1e7 * wave),
        "read": 9e7 * (1 - work) + 1e6, "written": 4e7 * save, "gpus": {},
    }  # fmt: skip


def worked(catalog: Catalog, run: int, minutes: int = 5) -> None:
    """What a machine did in the MINUTES before now, as the sampler tells it, of RUN."""
    began = time.time() - 60 * minutes
    points = [
        {"run": run, "name": name, "at": None, "value": value, "time": began + 2 * step}
        for step in range(30 * minutes)
        for name, value in figures([reading(step / (30 * minutes))]).items()
    ]
    with catalog.writing() as link:
        link.execute(sa.insert(t.metric), points)
        keep(link, points)


def served(workspace: Workspace, scratch: Path) -> None:
    """Releases of a table, a text and pictures, some of them in several versions, and of too long a graph to draw."""
    publish(workspace, deep(scratch / "deep", 3001), "deep")
    for number in (1, 2, 3):
        publish(workspace, customers(scratch / f"customers-{number}", tilt=(number - 1) / 4), "customers")
    for number in (1, 2):
        publish(workspace, reviews(scratch / f"reviews-{number}", less=0.4 / number), "reviews")
    publish(workspace, clothes(scratch / "clothes"), "clothes")


def carried(workspace: Workspace, worker: Worker) -> None:
    """A project as an archive, and one that came in with budgets, of which one does not hold on this machine."""
    workspace.alias(next(row["output"] for row in reversed(workspace.runs()) if row["output"]), "flights/run")
    work = {"project": "flights", "file": "flights-2026-01-02.aimass.zip"}
    exporting = worker.jobs.ask("export", work, label="flights", who=NAME)["id"]
    assert worker.jobs.claim("a worker") is not None
    told = exported(work, workspace, workspace.folder)  # in no process of its own, since this is another one's story
    worker.jobs.end(exporting, "a worker", "finished", outcome=told)
    figures = {
        "roc_auc": (0.8, 0.861, 0.861, ""),
        "p99": (5.0, 3.214, 6.172, "ms"),
        "size": (1.0, 0.4217, 0.4217, "MB"),
    }
    lines = [
        {"budget": name, "what": name, "asked": asked, "unit": unit,
         "there": {"measured": there, "interval": [there * 0.97, there * 1.04], "met": True},
         "here": {"measured": here, "interval": [here * 0.96, here * 1.05], "met": name != "p99"}}
        for name, (asked, there, here, unit) in figures.items()
    ]  # fmt: skip
    releases = [{"release": "churn@2", "holds": False, "why": "p99 upper bound 6.48 ms > 5 ms", "budgets": lines},
                {"release": "churn@1", "holds": None, "why": "no budget was set", "budgets": []}]  # fmt: skip
    job = worker.jobs.ask("import", {"file": "data:churn.aimass.zip"}, label="churn", who=NAME)["id"]
    assert worker.jobs.claim("a worker") is not None
    worker.jobs.end(job, "a worker", "finished", outcome={"releases": releases})


def busy(ring: Ring, url: str, minutes: int = 15) -> None:
    """A canary, and the MINUTES before now, in which a RING has seen real requests come to the server at URL."""
    assert asked_at(url, "POST", "/v1/deployments/customers/canary", {"version": "3", "share": 0.2}).good
    begun = time.time() - 60 * minutes
    for step in range(4 * minutes):
        ring.clock = lambda at=begun + 15 * step: at  # type: ignore[misc]
        ring.look()
        for times, name, rows in ((2 + step % 3, "customers", PEOPLE), (step % 2, "clothes", [{}])):
            for _ in range(times):
                asked_at(url, "POST", f"/v1/predict/{name}", {"records": rows})
        if step == 2 * minutes:  # these models never fail of themselves
            ring.looks[-1].news["customers", "3"] = Counted({200: 2, 500: 1}, {0.005: 3}, 0.01, 3)
    ring.clock = time.time


@contextmanager
def failing(ring: Ring | None, name: str, version: str) -> Iterator[None]:
    """A time in which each fourth answer of a VERSION of NAME was a fault of ours, as far as RING has seen."""
    assert ring is not None
    look = Look(time.time(), 5.0, {(name, version): Counted({200: 30, 500: 10}, {0.005: 40}, 0.1, 40)})
    ring.looks.append(look)
    yield
    ring.looks.remove(look)
