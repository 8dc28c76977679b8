"""Runs in MLflow (extra `mlflow`): in a SQLite file or on a tracking server.  Nothing is sent to anybody else."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # its usage reports; MLflow asks for this when imported and at each use
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a server that is away costs seconds, not minutes
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.task import Task
from aimass.store.figures import MACHINE, of_machine
from aimass.store.trackers.base import Point, Session, Steps, Tracker, title

logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of every table it makes

STATES = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
AT_ONCE = {"metrics": 1000, "params": 100}  # of one request, MLflow's own limits
LONGEST = {"name": 250, "param": 6000, "tag": 5000}  # letters, MLflow's own limits
SYSTEM = "system/"  # begins MLflow's own names of these, which have a page of their own there
LETTERS = "_-. /"  # beside letters and digits, all that a name may hold


class MLflow(Tracker):
    """Settings as parameters, figures as metrics, facts as tags; look at them with `mlflow ui` or the server's page."""

    path: str = knob("", help="SQLite file, or http://host:port of a server; empty: mlflow.db in the workspace")
    experiment: str = knob("aimass", help="made when it is not there")

    def placed(self, folder: Path) -> Self:
        file = Path(self.path or folder / "mlflow.db").absolute()
        return self if "://" in self.path else replace(self, path=f"sqlite:///{file}")

    def open(self, run: str, task: Task) -> Session:
        """Raises MlflowException when the server does not answer or the file is none of its."""
        client = MlflowClient(tracking_uri=self.path)
        tags = {"aimass.run": run, "aimass.task": task.digest, "aimass.step": task.step}
        made = client.create_run(_experiment(client, self.experiment), run_name=title(run, task), tags=tags)
        return MLflowRun(client, made.info.run_id, task)


class MLflowRun(Session):
    """One run of MLflow."""

    def __init__(self, client: MlflowClient, run: str, task: Task) -> None:
        self.client, self.run, self.steps = client, run, Steps()
        settings = {named(name): str(value) for name, value in flat({"seed": task.seed, **task.settings}).items()}
        params = [Param(name, value[: LONGEST["param"]]) for name, value in settings.items()]
        for begin in range(0, len(params), AT_ONCE["params"]):
            client.log_batch(run, params=params[begin : begin + AT_ONCE["params"]])

    def points(self, points: Sequence[Point]) -> None:
        now = int(time.time() * 1000)
        metrics = [Metric(named(name), value, now, self.steps.step(name, at)) for name, at, value in points]
        for begin in range(0, len(metrics), AT_ONCE["metrics"]):
            self.client.log_batch(self.run, metrics=metrics[begin : begin + AT_ONCE["metrics"]])

    def close(self, state: str, facts: Mapping[str, Any]) -> None:
        for name, value in flat(facts).items():
            self.client.set_tag(self.run, named(f"aimass.{name}"), str(value)[: LONGEST["tag"]])
        self.client.set_terminated(self.run, STATES[state])


def flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """TABLE without tables in it: {"model": {"width": 64}} becomes {"model.width": 64}; lists are JSON."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = json.dumps(value, default=str) if isinstance(value, list) else value
    return found


def named(name: str) -> str:
    """NAME with the letters that MLflow takes; what the machine did is called as MLflow calls it."""
    if of_machine(name):
        name = SYSTEM + name.removeprefix(MACHINE)
    return "".join(letter if letter.isalnum() or letter in LETTERS else "_" for letter in name)[: LONGEST["name"]]


def _experiment(client: MlflowClient, name: str) -> str:
    """The id of the experiment called NAME; two programs may make it at once, one of them does."""
    for _ in range(2):
        if (there := client.get_experiment_by_name(name)) is not None:
            return str(there.experiment_id)
        try:
            return str(client.create_experiment(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
    raise InputError(f"the MLflow experiment {name!r} is deleted", expected="a name in use", key="experiment",
                     todo="restore it, or give another: experiment = ...")  # fmt: skip
