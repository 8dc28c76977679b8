"""Work on a Ray cluster (extra `ray`): "ray" starts or joins a local one, "ray://host:port" joins that one.

On several machines the workspace must be reachable from all: a shared folder, or Postgres and an object store.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is ever sent; Ray reads this when it starts

import ray
from ray.exceptions import RayError

from aimass.core.errors import AimassError, InputError, TaskFailed, error_from_json


def work(task: str, url: str, run: str, needs: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """What a Ray worker does: `execute`, with errors as JSON so that their fields survive the way back."""
    sys.path[:] = [*path, *(p for p in sys.path if p not in path)]
    from aimass.runner.execute import execute
    from aimass.runner.launch.ray import launch

    try:
        return {"digest": execute(task, url, run, needs, launch)}
    except AimassError as error:
        return {"error": error.as_json()}


class Ray:
    """Runs each task as a Ray task, and its gangs as workers of Ray Train."""

    def __init__(self, name: str) -> None:
        self.name = name
        if not ray.is_initialized():
            address = name if name.startswith("ray://") else None
            try:
                ray.init(address=address, include_dashboard=None if address else False, log_to_driver=False)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise InputError(
                    f"no Ray cluster answers at {address or 'this machine'}: {error}",
                    expected="a running cluster, or none for a local one",
                    todo="check the address, or run without --on ray",
                ) from error

    def submit(self, task: str, url: str, run: str, needs: Mapping[str, Any]) -> str:
        options: dict[str, Any] = {"num_cpus": needs.get("cpus", 1), "num_gpus": needs.get("gpus", 0)}
        if "memory" in needs:
            options["memory"] = needs["memory"]
        if needs.get("workers", 1) > 1:  # it only waits for its workers, and they have what is needed
            options = {"num_cpus": 0}
        try:
            order = ray.remote(work).options(**options, max_retries=0)
            answer = ray.get(order.remote(task, url, run, dict(needs), sys.path))
        except RayError as error:
            raise TaskFailed(
                f"the Ray worker of run {run} died: {type(error).__name__}",
                expected="a task that ends by itself",
                todo="run again: finished steps are reused and training goes on from its last checkpoint",
            ) from error
        if "error" in answer:
            raise error_from_json(answer["error"])
        digest: str = answer["digest"]
        return digest
