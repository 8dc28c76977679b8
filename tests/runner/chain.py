"""A small chain of real steps for the tests of store and runner."""

from __future__ import annotations

import json
import os
import signal
import time

from aimass.core.artifact import Dataset, Report
from aimass.core.errors import InputError, Stopped
from aimass.core.step import Context, step
from aimass.runner.workspace import Workspace
from aimass.store.figures import MACHINE

HERE = "tests.runner.chain"


@step
def make(ctx: Context, *, rows: int) -> Dataset:
    """ROWS numbers."""
    (ctx.folder / "rows.json").write_text(json.dumps([i * i for i in range(rows)]))
    ctx.tell(rows=rows)


@step
def total(ctx: Context, dataset: Dataset, *, slow: float = 0.0) -> Report:
    """Their sum, one number at a time, with a checkpoint after each."""
    place = ctx.resume / "checkpoint.json"
    at, value = json.loads(place.read_text()) if place.exists() else (0, 0)
    ctx.log(f"started at {at}")
    for i, number in enumerate(dataset.read_json("rows.json")[at:], start=at):
        value += number
        scratch = place.with_suffix(".tmp")
        scratch.write_text(json.dumps([i + 1, value]))
        scratch.replace(place)
        ctx.report(at=i, value=value)
        time.sleep(slow)
    (ctx.folder / "report.json").write_text(json.dumps({"total": value}))


@step
def fail(ctx: Context, *, how: str) -> Report:
    """Ends badly, in every way a body can."""
    if how == "input":
        raise InputError("bad rows", expected="good rows", todo="mend them", key="rows")
    if how == "long":
        raise InputError("x" * 100_000)
    if how == "nan":
        ctx.report(loss=float("nan"), value=float("inf"), kept=1)
        raise InputError("bad rows")
    if how == "bug":
        raise ValueError("a bug in the body")
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(7)


@step
def labour(ctx: Context, *, folder: str, how: str = "") -> Report:
    """Works until the workspace in FOLDER knows that it does, and ends in one of the ways there are."""
    place = Workspace(folder)
    run = place.runs(1)[0]["id"]
    while not any(point["value"] for point in place.metrics(run, f"{MACHINE}run_cpu_percent")):
        sum(range(200_000))
    (ctx.folder / "report.json").write_text("{}")
    if how == "bug":
        raise ValueError("a bug in the body")
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "stop":
        raise Stopped("enough")


@step(reuse=False)
def look(ctx: Context, previous: Dataset | None = None, *, what: str) -> Dataset:
    """The outside world: the previous dataset again when nothing is new."""
    if previous is not None and previous.read_json("rows.json") == what:
        return previous
    (ctx.folder / "rows.json").write_text(json.dumps(what))
