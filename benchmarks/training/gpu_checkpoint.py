"""What a checkpoint costs the steps around it, in steps a saved gigabyte.

The loop itself trains, with a keeper that writes to disk every few seconds and with one that keeps nothing.  An event
on the device after each step says when it ended; nobody waits for one before the end.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import by_hand
import torch
from by_hand import Work
from gpu_ways import opened
from table import interval
from torch import Tensor

from aimass.train import pulse
from aimass.train.batch import Batch
from aimass.train.checkpoint import Keeper, OnDisk
from aimass.train.here import Here
from aimass.train.loop import run
from aimass.train.parallel.single import Single
from aimass.train.precision import matrix_precision
from aimass.train.ready import make_ready
from aimass.train.reproducible import reproducible


class Stamps:
    """When each step ended on the device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.marks: list[Any] = []

    def take(self) -> None:
        if self.device.type != "cuda":
            self.marks.append(time.perf_counter())
            return
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        self.marks.append(event)

    def seconds(self) -> list[float]:
        """From the end of each step to that of the next: number i is the time of step i + 1, counted from 0."""
        by_hand.synchronise(self.device)
        pairs = zip(self.marks, self.marks[1:], strict=False)
        if self.device.type != "cuda":
            return [after - before for before, after in pairs]
        return [1e-3 * before.elapsed_time(after) for before, after in pairs]


class Watched(OnDisk):
    """Notes the steps done when a save began and when its file was whole, and how large it is."""

    def __init__(self, folder: Path, stamps: Stamps) -> None:
        super().__init__(folder)
        self.stamps, self.bytes = stamps, 0
        self.began: list[int] = []
        self.ended: list[int] = []

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        self.wait()  # for the one before, which notes its end
        self.began.append(len(self.stamps.marks))
        self.bytes = sum(value.numel() * value.element_size() for value in tensors.values())
        super().save(tensors, facts)

    def _write(self, tensors: dict[str, Tensor], facts: str) -> None:
        super()._write(tensors, facts)
        self.ended.append(len(self.stamps.marks))


def checkpoints(work: Work, tell: float, save: float, must: float, **how: Any) -> dict[str, Any]:
    """Step times without and with saves; TELL and SAVE are the seconds between looks of the loop and between saves."""
    epochs = max(1, work.epochs // 2)
    without = stepped(replace(work, epochs=epochs), Stamps(work.device), Keeper(), tell, save, **how)
    with tempfile.TemporaryDirectory() as folder:
        stamps = Stamps(work.device)
        keeper = Watched(Path(folder), stamps)
        seconds = stepped(work, stamps, keeper, tell, save, **how)
    spans = list(zip(keeper.began, keeper.ended, strict=True))
    lost = lost_steps(seconds, spans, work.rows // work.batch, without)
    gigabytes = keeper.bytes / 1e9
    return {"lost steps per GB": interval([some / gigabytes for some in lost]) | {"must": must}, "saved_GB": gigabytes,
            "lost steps a save": interval(lost), "without": spread(without), "with": spread(seconds)}  # fmt: skip


def stepped(work: Work, stamps: Stamps, keeper: Keeper, tell: float, save: float, **how: Any) -> list[float]:
    """Seconds of the steps of a run through the loop."""
    job, plan = opened(work, work.epochs, optimizer="adamw", learning_rate=1e-3, **how)
    with reproducible(plan.threads, 0), matrix_precision(plan.precision, work.device), paced(tell, save):
        ready = make_ready(job, plan, Single(work.device))

        def step(batch: Batch, count: int) -> None:
            ready.step(batch, count)
            stamps.take()

        run(Here(Path(), 0, None, []), job, replace(ready, step=step), keeper, "benchmark")
        return stamps.seconds()


@contextmanager
def paced(tell: float, save: float) -> Iterator[None]:
    """Saves come more often than in a run of hours, so that a short one shows several."""
    before = pulse.TELL_EVERY, pulse.SAVE_EVERY
    pulse.TELL_EVERY, pulse.SAVE_EVERY = tell, save
    try:
        yield
    finally:
        pulse.TELL_EVERY, pulse.SAVE_EVERY = before


def lost_steps(seconds: list[float], spans: list[tuple[int, int]], epoch: int, without: list[float]) -> list[float]:
    """For each save, what the steps took more than usual while it was staged and written, in usual steps.

    SPANS: steps done when it began, and when its file was whole.  An epoch has EPOCH steps; from its end to the first
    step of the next one much else happens, which counts only where a save falls into it.  The first save stands
    in steps that warm up, and is left out where there are others.
    """

    def between(i: int) -> bool:
        return i % epoch == epoch - 1

    inside = {i for begin, end in spans for i in range(begin - 1, end)}
    outside = [some for i, some in enumerate(seconds) if i not in inside and not between(i)]
    usual = median(outside or without)
    lost = []
    for begin, end in spans[1:] or spans:
        during = [i for i in range(begin - 1, min(end, len(seconds))) if i == begin - 1 or not between(i)]
        lost.append(sum(seconds[i] - usual for i in during) / usual)
    return lost


def spread(seconds: list[float]) -> dict[str, float]:
    return {"median_s": median(seconds), "p95_s": quantiles(seconds, n=20)[-1], "steps": len(seconds)}
