"""Ranks as workers of Ray Train (v2), anywhere in the cluster.

Checkpoints are our own, in the resume folder of the task, which all machines see; Ray is told of none, and of no
metrics: it starts the workers, joins them to a process group and ends all of them when one dies.
"""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from typing import Any

import ray
from ray.exceptions import RayError
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError, WorkerGroupError, get_context
from ray.train.torch import TorchConfig, TorchTrainer

from aimass.core.errors import TaskFailed
from aimass.core.step import Context
from aimass.runner.context import RunContext
from aimass.runner.desk import PATIENCE, Desk, Line, Word
from aimass.runner.gang import Order, Rank, gather, serve
from aimass.runner.machine.sampler import Sampler


def launch(ctx: Context, order: Order) -> list[Any]:
    """Answers of ORDER's ranks.  Raises their error; Ray has ended them all then."""
    host = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call, unused-ignore]
    hear = {"hear": ctx.hear} if isinstance(ctx, RunContext) else {}
    with Desk(ctx, order.ranks, host, **hear) as desk:
        told = {**asdict(order), "desk": desk.address, "path": sys.path}
        trainer = TorchTrainer(
            serve_rank,
            train_loop_config=told,
            torch_config=TorchConfig(backend=_backend(order), timeout_s=int(PATIENCE)),
            scaling_config=_scaling(order),
            run_config=RunConfig(storage_path=order.folder, failure_config=FailureConfig(max_failures=0)),
        )
        try:
            trainer.fit()
        except (TrainingFailedError, RayError) as error:
            _tell_deaths(desk, error, order.ranks)
        return gather(desk.words, order.ranks)


def _backend(order: Order) -> str:
    """Ranks on GPUs also agree on numbers that lie on the host."""
    return "cpu:gloo,cuda:nccl" if order.needs.get("gpus") else "gloo"


def _scaling(order: Order) -> ScalingConfig:
    """`needs` in Ray's words: cpus, gpus and memory are those of each worker."""
    gpus = order.needs.get("gpus", 0)
    each = {"CPU": order.needs.get("cpus", 1), **({"GPU": gpus} if gpus else {})}
    if "memory" in order.needs:
        each["memory"] = order.needs["memory"]
    return ScalingConfig(num_workers=order.ranks, use_gpu=bool(gpus), resources_per_worker=each)


def _tell_deaths(desk: Desk, error: Exception, ranks: int) -> None:
    """Words for the ranks that could say none themselves; who answered or complained has been heard already."""
    failures = error.worker_failures if isinstance(error, WorkerGroupError) else dict.fromkeys(range(ranks), error)
    for rank, why in failures.items():
        desk.words.put(Word(rank, "gone", f"died: {type(why).__name__}: {str(why).strip()}"))


def serve_rank(order: dict[str, Any]) -> None:
    """What a worker of Ray Train does: what every rank does."""
    sys.path[:] = [*order["path"], *(p for p in sys.path if p not in order["path"])]
    seat = get_context()
    number, ranks = seat.get_world_rank(), order["ranks"]
    line = Line(order["desk"], number)
    rank = Rank(number, ranks, seat.get_local_rank(), seat.get_local_world_size(), line=line)
    with closing(Line(order["desk"], number)) as beside, Sampler(lambda told: beside.ask("machine", value=told)):
        good = serve(rank, order["place"], order["arguments"])
    if not good:
        raise TaskFailed(f"rank {number} failed")  # Ray ends the others
