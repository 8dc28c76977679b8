"""The loops that a GPU benchmark holds `aimass.fit` against, each a function (work) -> rows/s of whole epochs.

An epoch counts from its begin to the moment when the device has done its last step; the first one is apart.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

RATE, MOMENTUM = 0.02, 0.9


@dataclass(frozen=True)
class Work:
    """What is trained: a fresh network, rows (uint8 pictures [N, 3, H, W], classes [N]), and how long."""

    network: Callable[[], nn.Module]
    pictures: Tensor
    labels: Tensor
    batch: int
    epochs: int
    device: torch.device
    workers: int  # of a DataLoader

    @property
    def rows(self) -> int:
        return len(self.labels)

    @cached_property
    def values(self) -> Tensor:
        """All rows as float32, standardised."""
        return self.pictures.float().div_(127.5).sub_(1)


class PerSample(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """Rows as a quick-start reads them: each alone, to a float tensor, then standardised."""

    def __init__(self, work: Work) -> None:
        self.pictures, self.labels = work.pictures, work.labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self.pictures[row].float().div_(127.5).sub_(1), int(self.labels[row])


def loader(work: Work) -> torch.utils.data.DataLoader[Any]:
    more = {"num_workers": work.workers, "persistent_workers": True} if work.workers else {}
    return torch.utils.data.DataLoader(
        PerSample(work), work.batch, shuffle=True, drop_last=True, pin_memory=work.device.type == "cuda", **more
    )


def on_device(work: Work) -> Iterable[tuple[Tensor, Tensor]]:
    """All rows on the device, a batch by one index: an iterable that can be iterated once an epoch."""
    inputs = work.values.to(work.device, memory_format=torch.channels_last)
    labels = work.labels.to(work.device)

    class Batches:
        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            for rows in torch.randperm(work.rows, device=work.device).split(work.batch):
                if len(rows) == work.batch:
                    yield inputs[rows], labels[rows]

    return Batches()


def loop(work: Work, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Rows a second of bfloat16 autocast, channels_last, fused SGD."""
    network = work.network().to(work.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(network.parameters(), RATE, MOMENTUM, fused=True)
    stamps, steps = [], 0
    for _ in range(work.epochs):
        for inputs, labels in batches:
            there = inputs.to(work.device, non_blocking=True, memory_format=torch.channels_last)
            with torch.autocast(work.device.type, torch.bfloat16):
                loss = cross_entropy(network(there), labels.to(work.device, non_blocking=True))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            steps += 1
        synchronise(work.device)
        stamps.append(time.perf_counter())
    return (steps / work.epochs) * work.batch * (len(stamps) - 1) / (stamps[-1] - stamps[0])


def with_loader(work: Work) -> float:
    """Out of the box: DataLoader with workers, pinned memory, bfloat16, channels_last."""
    return loop(work, loader(work))


def in_memory(work: Work) -> float:
    """Equal tricks: rows on the device."""
    return loop(work, on_device(work))


def lightning(work: Work) -> float:
    """Lightning's Trainer with a DataLoader and bf16-mixed.  Raises ImportError where it is not installed."""
    import lightning as pl

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network, self.stamps = work.network(), []

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            loss = cross_entropy(self.network(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), RATE, MOMENTUM)

        def on_train_epoch_end(self) -> None:
            synchronise(work.device)
            self.stamps.append(time.perf_counter())

    module = Module()
    with tempfile.TemporaryDirectory() as folder:  # for its logs and checkpoints
        how = {"precision": "bf16-mixed", "accelerator": "auto", "devices": 1, "default_root_dir": folder}
        pl.Trainer(max_epochs=work.epochs, **how).fit(module, loader(work))
    return work.rows // work.batch * work.batch * (work.epochs - 1) / (module.stamps[-1] - module.stamps[0])


def accelerate(work: Work) -> float:
    """Accelerate with a DataLoader and bf16.  Raises ImportError where it is not installed."""
    from accelerate import Accelerator

    accelerator = Accelerator(mixed_precision="bf16")
    network = work.network()
    optimizer = torch.optim.SGD(network.parameters(), RATE, MOMENTUM)
    network, optimizer, batches = accelerator.prepare(network, optimizer, loader(work))
    stamps = []
    for _ in range(work.epochs):
        for inputs, labels in batches:
            optimizer.zero_grad()
            with accelerator.autocast():
                loss = cross_entropy(network(inputs), labels)
            accelerator.backward(loss)
            optimizer.step()
        synchronise(work.device)
        stamps.append(time.perf_counter())
    return work.rows // work.batch * work.batch * (work.epochs - 1) / (stamps[-1] - stamps[0])


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
