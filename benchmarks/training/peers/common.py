"""What every peer shares: rows, model, seeds, clock and the line it prints.  Needs numpy and torch only.

A peer is one process: `python PEER.py --task cnn --epochs 3 --seed 0 --began MONOTONIC`.  It prints one JSON line last.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

IDX = Path("/usr/share/datasets/fashion-mnist")  # Debian package dataset-fashion-mnist
MEAN, STD = 0.2860, 0.3530  # of the training pixels in 0..1
BATCH = {"cnn": 128, "mlp": 256}
RATE = 1e-3  # of Adam


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=BATCH, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--equal", action="store_true", help="equal tricks: rows in memory, layout, fused Adam")
    parser.add_argument("--prepared", action="store_true", help="DataLoader over tensors that are standardised already")
    parser.add_argument("--data", type=Path, default=IDX)
    parser.add_argument("--began", type=float, default=time.monotonic(), help="time.monotonic() of the start")
    return parser.parse_args()


def idx(path: Path) -> np.ndarray:
    """Bytes of an idx file, unzipped: uint8 of the shape that its head names."""
    raw = gzip.decompress(path.read_bytes())
    kind, dimensions = raw[2], raw[3]
    if kind != 8:
        raise ValueError(f"{path}: kind {kind} is not unsigned bytes")
    shape = np.frombuffer(raw, ">i4", dimensions, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


class Task:
    """One task of the benchmark, as one run sees it.  N = rows, B = batch."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.name, self.batch, self.epochs = args, args.task, BATCH[args.task], args.epochs
        self.labels = idx(args.data / "train-labels-idx1-ubyte.gz")[: args.rows].astype(np.int64)  # [N]
        self.pictures = idx(args.data / "train-images-idx3-ubyte.gz")[: args.rows]  # uint8 [N, 28, 28]
        self.rows, self.shape = len(self.labels), (1, 28, 28) if args.task == "cnn" else (784,)
        torch.set_num_threads(args.threads)
        torch.manual_seed(args.seed)

    def inputs(self, pictures: np.ndarray | None = None) -> np.ndarray:
        """All rows at once, standardised: float32 [N, *shape]."""
        pictures = self.pictures if pictures is None else pictures
        return ((pictures.astype(np.float32) / 255 - MEAN) / STD).reshape(-1, *self.shape)

    def model(self) -> nn.Module:
        """4.2 million multiply-adds a picture and 421,642 parameters (cnn), or 784-64-32-10 (mlp)."""
        if self.name == "mlp":
            return nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        return nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10),
        )  # fmt: skip

    def layout(self) -> torch.memory_format:
        return torch.channels_last if self.name == "cnn" else torch.contiguous_format

    def held_back(self) -> tuple[np.ndarray, np.ndarray]:
        """(inputs, labels) of the 10,000 test rows."""
        pictures = idx(self.args.data / "t10k-images-idx3-ubyte.gz")
        return self.inputs(pictures), idx(self.args.data / "t10k-labels-idx1-ubyte.gz").astype(np.int64)


class PerSample(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """Rows as a quick-start reads them: each alone, to a float tensor in 0..1, then standardised.

    Leaner than torchvision's FashionMNIST + ToTensor + Normalize, which also goes through a PIL image.
    """

    def __init__(self, task: Task) -> None:
        self.labels, self.shape = task.labels, task.shape
        self.pictures = task.pictures.reshape(task.rows, *task.shape)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        values = torch.tensor(self.pictures[row]).to(torch.float32).div(255)
        return values.sub_(MEAN).div_(STD), int(self.labels[row])


def loader(task: Task) -> torch.utils.data.DataLoader[Any]:
    """The standard data path: work per sample, DataLoader with its defaults, shuffled."""
    rows: torch.utils.data.Dataset[Any] = PerSample(task)
    if task.args.prepared:
        rows = torch.utils.data.TensorDataset(torch.from_numpy(task.inputs()), torch.from_numpy(task.labels))
    return torch.utils.data.DataLoader(rows, batch_size=task.batch, shuffle=True)


class Batches:
    """All rows in memory, a batch fetched by one index: the data path of an expert, for any loop that iterates."""

    def __init__(self, task: Task) -> None:
        self.inputs = torch.from_numpy(task.inputs())
        self.labels, self.batch = torch.from_numpy(task.labels), task.batch

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.randperm(len(self.labels)).split(self.batch):
            yield self.inputs.index_select(0, rows), self.labels.index_select(0, rows)


class Run:
    """The clock of one run and the line that it ends with."""

    def __init__(self, task: Task, *packages: str) -> None:
        self.task, self.packages, self.ends = task, packages, [time.monotonic()]

    def epoch_ended(self, *_: object) -> None:
        self.ends.append(time.monotonic())

    def finish(
        self, scores_of: Callable[[np.ndarray], np.ndarray], epoch_seconds: list[float] | None = None, **more: Any
    ) -> None:
        """Stop the clock, score the test rows, print.  EPOCH_SECONDS: where the peer measures them itself."""
        trained, task = time.monotonic(), self.task
        inputs, labels = task.held_back()
        seconds = epoch_seconds or [end - begin for begin, end in pairwise(self.ends)]
        line = {
            "task": task.name, "seed": task.args.seed, "rows": task.rows, "epochs": task.epochs,
            "threads": torch.get_num_threads(), "trained_s": trained - task.args.began,
            "fit_s": trained - self.ends[0], "epoch_seconds": seconds,
            "accuracy": float((scores_of(inputs).argmax(1) == labels).mean()),
            "versions": {package: version(package) for package in ("torch", "numpy", *self.packages)}, **more,
        }  # fmt: skip
        print("\n" + json.dumps(line), flush=True)


def scores_by(module: nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    """Scores of MODULE in single precision, a thousand rows at a time."""

    def scores_of(inputs: np.ndarray) -> np.ndarray:
        module.eval()
        with torch.inference_mode():
            return torch.cat([module(part) for part in torch.from_numpy(inputs).split(1000)]).float().numpy()

    return scores_of
