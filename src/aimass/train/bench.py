"""What the advisor measures on: this very module, these rows, the very step and feed that will train.

python -m aimass.train.bench < order.json        one confirmation in a fresh process
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from aimass.train.advisor.bench import Phase
from aimass.train.agreed import agreed
from aimass.train.batch import Batch
from aimass.train.build import parts_of
from aimass.train.copied import copied
from aimass.train.facts import facts_of
from aimass.train.feed import feed, turn_of
from aimass.train.job import Job
from aimass.train.losses import Reduction, valid_of
from aimass.train.parallel.base import Placement
from aimass.train.plan import Plan
from aimass.train.precision import autocast, matrix_precision
from aimass.train.ready import make_ready
from aimass.train.reproducible import device_here, reproducible
from aimass.train.rng import Chance, stream

GUARDED = 16  # batches that guards go round and round


class LoopBench:
    """The bench of a JOB: trials are copies of it, so that nothing measured touches what will be trained."""

    facts: Mapping[str, Any]

    def __init__(self, job: Job, plan: Plan, placement: Placement, command: list[str] | None = None) -> None:
        self.job, self.plan, self.placement, self._command = job, plan, placement, command
        self.facts = facts_of(job, plan, placement)

    def build(self, plan: Plan) -> LoopTrial:
        """Raises AimassError or RuntimeError for what PLAN cannot do here, NoTrial when there can be no copy."""
        return LoopTrial(self.job, plan, self.placement)

    def fresh(self) -> list[str] | None:
        return self._command


class LoopTrial:
    """A plan made real on a copy of the job's module."""

    def __init__(self, job: Job, plan: Plan, placement: Placement) -> None:
        self.plan, self.placement = plan, placement.again()
        self.job = agreed(placement, lambda: copied(job, plan.tier))
        self.skipped: list[bool] = []
        began, before = time.monotonic(), _allocated(job.device)
        with self.entered():
            self.ready = agreed(placement, lambda: make_ready(self.job, plan, self.placement))
            state = self.ready.state
            self.held = _allocated(job.device) - before + _bytes_of(self.job.module)  # as a training holds them
            self.fresh = {name: tensor.clone() for name, tensor in state.tensors().items()}, state.facts()
            self.batches = self._endless()
            if placement.world > 1:
                agreed(placement, self._alone)
            if plan.compile != "none" or plan.graphs:
                self.job.module.train()
                self._some_steps(2)
        self.setup_seconds = time.monotonic() - began if plan.compile != "none" or plan.graphs else 0.0
        self.peak_bytes = 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The switches of the whole process as this plan wants them."""
        with ExitStack() as stack:
            stack.enter_context(reproducible(self.plan.threads, stream("weights", self.plan.seed)))
            stack.enter_context(matrix_precision(self.plan.precision, self.job.device))
            yield

    def steps(self, count: int) -> None:
        with self.entered():
            self.job.module.train()
            others = _allocated(self.job.device) - self.held
            if self.job.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(self.job.device)
            self._some_steps(count)
            self._synchronise()
            if self.job.device.type == "cuda":
                self.peak_bytes = max(self.peak_bytes, torch.cuda.max_memory_allocated(self.job.device) - others)

    def losses(self, count: int) -> list[float]:
        with self.entered(), self._without_chance():
            self._restart()
            found, self.skipped = [], []
            batches = self._guarded()
            for number in range(count):
                batch, valid = batches[number % len(batches)]
                before = self._scale()
                self.ready.step(batch, valid * self.placement.world)  # each rank has all of it
                found.append(float(self.ready.state.losses.pending[-1]))
                self.ready.state.losses.settle()
                self._wrap()
                self.skipped.append(self._scale() < before)
        return found

    def gradients(self) -> dict[str, Tensor]:
        with self.entered(), self._without_chance():
            self._restart()
            batch, count = self._guarded()[0]
            if vary := self.job.vary:
                batch = vary(batch, Chance(self.plan.seed, 0, batch.rows))
            self.job.module.zero_grad(set_to_none=True)  # what the last step left
            for part in parts_of(batch, self.plan.accumulate):
                loss = self._forward(part, "sum") / max(1, count)
                loss.backward()  # type: ignore[no-untyped-call]
            named = dict(self.job.module.named_parameters())
            found = {name: weight.grad.detach().float().clone() for name, weight in named.items()
                     if weight.grad is not None}  # fmt: skip
            self.job.module.zero_grad(set_to_none=True)
        return found

    def phases(self) -> dict[str, Phase]:
        batch, count = next(self.batches)

        def data() -> None:
            next(self.batches)

        def forward() -> None:
            self._forward(batch)

        def backward() -> None:
            self._forward(batch).backward()  # type: ignore[no-untyped-call]

        def update() -> None:
            self.ready.state.optimizer.step(None)

        def step() -> None:
            self.ready.step(batch, count)
            self._wrap()

        self.job.module.train()
        backward()  # an update needs gradients
        parts: dict[str, Callable[[], object]] = {
            "data": data, "forward": forward, "update": update, "backward": backward, "step": step,
        }  # fmt: skip
        if self.placement.world > 1:
            parts["sync"] = backward

            def local() -> None:
                with self.placement.sync_context(last=False):
                    backward()

            parts["backward"] = local
        return {name: self._repeated(part) for name, part in parts.items()}

    def close(self) -> None:
        self.batches.close()
        if self.job.device.type == "cuda":
            torch.cuda.empty_cache()

    def _repeated(self, part: Callable[[], object]) -> Phase:
        def times(count: int) -> None:
            with self.entered():
                self.job.module.train()
                for _ in range(count):
                    part()
                self._synchronise()

        return times

    def _alone(self) -> None:
        """Forward and backward without the other ranks: one that cannot do it says so before they wait for it."""
        batch, _ = next(self.batches)
        self.job.module.train()
        with self.placement.sync_context(last=False):
            self._forward(batch, "sum").backward()  # type: ignore[no-untyped-call]
        self.job.module.zero_grad(set_to_none=True)

    def _some_steps(self, count: int) -> None:
        for _ in range(count):
            self.ready.step(*next(self.batches))

    def _endless(self) -> Generator[tuple[Batch, int], None, None]:
        """Real batches, epoch after epoch, as the loop gets them."""
        state = self.ready.state
        while True:
            with feed(self.job.train, self.plan, self.placement, state.epoch, state.step) as batches:
                yield from batches
            self._wrap()

    def _wrap(self) -> None:
        """Begin the epoch anew when it is full."""
        state = self.ready.state
        if state.step >= self.plan.steps:
            state.epoch, state.step = state.epoch + 1, 0
            state.losses.begin()

    def _guarded(self) -> list[tuple[Batch, int]]:
        rows = torch.from_numpy(turn_of(self.job.train, self.plan, 0)[: GUARDED * self.plan.batch])
        batches = [self.job.train.fetch(some) for some in torch.split(rows, self.plan.batch)]
        return [(batch, int(valid_of(batch.target))) for batch in batches]

    def _restart(self) -> None:
        tensors, facts = self.fresh
        self.ready.state.restore(tensors, facts)

    def _forward(self, batch: Batch, reduction: Reduction = "mean") -> Tensor:
        loss_of = self.job.loss(self.job.signature, self.plan.smoothing, reduction)
        with autocast(self.plan.precision, self.job.device):
            return loss_of(self.ready.network(*batch.tensors), batch.target)

    def _scale(self) -> float:
        scaler = self.ready.state.scaler
        return float(scaler.scale) if scaler else 0.0

    def _synchronise(self) -> None:
        if self.job.device.type == "cuda":
            torch.cuda.synchronize(self.job.device)

    @contextmanager
    def _without_chance(self) -> Iterator[None]:
        """Dropout off: masks drawn in another order are no error."""
        self.job.module.train()
        silent = [layer for layer in self.job.module.modules() if isinstance(layer, _DropoutNd)]
        for layer in silent:
            layer.eval()
        yield
        for layer in silent:
            layer.train()


def _allocated(device: torch.device) -> int:
    """Bytes of a GPU that tensors of this process hold."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


def _bytes_of(module: nn.Module) -> int:
    return sum(value.numel() * value.element_size() for value in (*module.parameters(), *module.buffers()))


def main() -> None:
    """Open the order in the first argument again, and answer the advisor's request on standard input."""
    told = json.loads(sys.argv[1])
    sys.path[:] = told["path"]
    from aimass.train.advisor.confirm import serve
    from aimass.train.parallel.single import Single
    from aimass.train.worker import open_order

    opened = open_order(told["order"], device_here())
    serve(LoopBench(opened.job, opened.plan, Single(opened.job.device)))


if __name__ == "__main__":
    main()
