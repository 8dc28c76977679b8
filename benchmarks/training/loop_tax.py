"""What does the loop add to a step?  Microseconds a step, beyond the bare step function on ready batches.

A network so small that a step is almost nothing but overhead, one thread; blocks of whole epochs, interleaved.  The
loop fetches its batches, draws their order, looks at its clock, ends its epochs and keeps the best weights; the bare
step is the very function that the loop calls.  The step of a loop written by hand (fused Adam) is told beside them.

    python benchmarks/training/loop_tax.py
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks/record.py

from table import interval

from aimass.train.checkpoint import OnDisk
from aimass.train.feed import feed
from aimass.train.fit import signature_of
from aimass.train.gradient import Gradient
from aimass.train.here import Here
from aimass.train.job import Job
from aimass.train.loop import run
from aimass.train.parallel.single import Single
from aimass.train.ready import Ready, make_ready
from aimass.train.source import Source
from record import write

MUST = 30.0  # microseconds on a CPU (20 beside a GPU)
BATCH, COLUMNS, CLASSES = 32, 8, 3
RECIPE = {
    "use": "gradient", "batch": BATCH, "optimizer": "adam", "learning_rate": 1e-3, "schedule": "constant",
    "weight_decay": 0.0, "clip": 0.0, "threads": 1, "advise": "off", "precision": "fp32", "update": "fused",
    "layout": "contiguous", "compile": "none", "tier": "memory", "patience": 100_000,
}  # fmt: skip


class Bench:
    """The same training three ways; each gives seconds a step over whole epochs, the first apart."""

    def __init__(self, steps: int, epochs: int) -> None:
        self.steps, self.epochs, self.rows = steps, epochs, steps * BATCH
        chance = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(self.rows, COLUMNS, generator=chance)
        self.target = torch.randint(CLASSES, (self.rows,), generator=chance)
        self.signature = signature_of(self.module(), (self.inputs,), self.target)
        self.plan = Gradient.from_settings({**RECIPE, "epochs": epochs}).plan(self.rows, 0, self.signature)

    def module(self) -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(COLUMNS, 16), nn.ReLU(), nn.Linear(16, CLASSES))

    def ready(self) -> tuple[Job, Ready]:
        module, place = self.module(), torch.device("cpu")
        parts = ((self.inputs, self.target), (self.inputs[:0], self.target[:0]))
        train, valid = (Source.of_tensors((x,), y, self.plan.tier, place) for x, y in parts)
        job = Job(module, self.signature, train, valid, place)
        return job, make_ready(job, self.plan, Single(place))

    def loop(self) -> float:
        """The whole loop."""
        job, ready = self.ready()
        with tempfile.TemporaryDirectory() as folder:
            ctx = Here(Path(folder), 0, None, [])
            run(ctx, job, ready, OnDisk(Path(folder) / "state"), "benchmark")
        return self._a_step([row["seconds"] for row in ctx.history if "epoch_rows_per_s" in row])

    def bare(self) -> float:
        """The step function that the loop calls, on batches that are there."""
        job, ready = self.ready()
        state, ends = ready.state, []
        with feed(job.train, self.plan, ready.placement, 0, 0) as batches:
            there = list(batches)
        job.module.train()
        with collecting_later():
            for _ in range(self.epochs):
                for batch, count in there:
                    ready.step(batch, count)
                state.epoch, state.step = state.epoch + 1, 0
                state.losses.begin()
                ends.append(time.perf_counter())
        return self._a_step(ends)

    def by_hand(self) -> float:
        """As short as a step can be written."""
        module, ends = self.module(), []
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
        batches = list(zip(self.inputs.split(BATCH), self.target.split(BATCH), strict=True))
        with collecting_later():
            for _ in range(self.epochs):
                for inputs, target in batches:
                    cross_entropy(module(inputs), target).backward()
                    optimizer.step()
                    optimizer.zero_grad()
                ends.append(time.perf_counter())
        return self._a_step(ends)

    def _a_step(self, ends: list[float]) -> float:
        return (ends[-1] - ends[0]) / ((len(ends) - 1) * self.steps)


@contextmanager
def collecting_later() -> Iterator[None]:
    """As the loop does it itself: a collection of garbage in the bare step would flatter the loop."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--steps", type=int, default=469, help="of an epoch")
    parser.add_argument("--epochs", type=int, default=8, help="of a block")
    parser.add_argument("--quick", action="store_true", help="five rounds; writes no record")
    args = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(args.steps, args.epochs)
    ways: dict[str, Callable[[], float]] = {"loop": bench.loop, "bare step": bench.bare, "by hand": bench.by_hand}
    micros: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()  # warm
    for _ in range(5 if args.quick else args.rounds):
        for name in random.sample(list(ways), len(ways)):
            micros[name].append(1e6 * ways[name]())
    tax = interval([a - b for a, b in zip(micros["loop"], micros["bare step"], strict=True)])
    step = interval([a - b for a, b in zip(micros["bare step"], micros["by hand"], strict=True)])
    figures = {name: interval(values) for name, values in micros.items()}
    figures |= {"loop - bare step": tax, "bare step - by hand": step}
    for name, found in figures.items():
        print(f"{name:22}{found['median']:8.1f} us a step   {found['low']:.1f} .. {found['high']:.1f}")
    print(
        f"the loop adds {tax['median']:.1f} us a step, at most {MUST:g}: {'met' if tax['high'] <= MUST else 'missed'}"
    )
    if not args.quick:
        write("loop-tax", "microseconds that the training loop adds to a step", figures | {"must": MUST}, ["torch"])


if __name__ == "__main__":
    main()
