"""How fast do batches come out of `feed`: against the copy speed of the machine, torch's DataLoader, loops by hand?

Rows of 784 B, 3 kB and 150 kB (bytes) with a target each lie in memory and are read in random order, one thread; the
contenders take turns.  GB/s are those of the rows.  Then the microseconds of a batch of tiny rows (13 float columns),
where a loader is all overhead, and of 128 images of 784 pixels that become float32.

    python benchmarks/feed.py --runs 7
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from aimass.measure.machine import load_average
from aimass.prepare.affine import Affine, Decoded
from aimass.train.data import Split
from aimass.train.feed import batches
from aimass.train.order import order, steps_of
from aimass.train.source import Source
from record import median_and_interval, write

SHAPES = {"784 B": (784, 600_000, 128), "3 kB": (3072, 150_000, 128), "150 kB": (150_528, 3_000, 64)}  # rows, batch
BLOCK = 128
MOST = {"DataLoader": 12, "DataLoader, 2 workers": 12}  # batches a run: they are slow
USUAL = 256_000_000  # bytes a run of the others
CPU = torch.device("cpu")
Batches = Callable[[], Iterator[Any]]


def by_feed(source: Source, batch: int, block: int = 0, **options: Any) -> Batches:
    turn = order(0, 0, len(source), block)
    return lambda: batches(source, turn, steps_of(len(source), batch), **options)


def by_hand(x: Tensor, y: Tensor, batch: int, select: bool) -> Batches:
    def loop() -> Iterator[Any]:
        turn = torch.randperm(len(x))
        for begin in range(0, len(x), batch):
            rows = turn[begin : begin + batch]
            yield (x.index_select(0, rows), y.index_select(0, rows)) if select else (x[rows], y[rows])

    return loop


def contenders(x: Tensor, y: Tensor, batch: int) -> dict[str, Batches]:
    source, rows = Source.of_tensors((x,), y, "memory", CPU), TensorDataset(x, y)
    return {
        "feed": by_feed(source, batch),
        "feed, blocks": by_feed(source, batch, BLOCK),
        "feed, blocks, prefetch": by_feed(source, batch, BLOCK, prefetch=True),
        "x[rows]": by_hand(x, y, batch, select=False),
        "index_select": by_hand(x, y, batch, select=True),
        "DataLoader": lambda: iter(DataLoader(rows, batch, shuffle=True)),
        "DataLoader, 2 workers": lambda: iter(DataLoader(rows, batch, shuffle=True, num_workers=2)),
    }


def seconds_a_batch(make: Batches, most: int) -> float:
    """After the first batch, which pays for the start."""
    found = make()
    next(found)
    began = time.perf_counter()
    count = sum(1 for _ in islice(found, most))
    return (time.perf_counter() - began) / count


def copy_speed(x: Tensor, out: Tensor) -> float:
    began = time.perf_counter()
    out.copy_(x)
    return x.numel() / (time.perf_counter() - began) / 1e9


def throughput(runs: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, (width, count, batch) in SHAPES.items():
        x, y = torch.randint(0, 256, (count, width), dtype=torch.uint8), torch.randint(0, 10, (count,))
        out, speeds = torch.zeros_like(x), {"copy": list[float]()}
        made = contenders(x, y, batch)
        for _ in range(runs):
            speeds["copy"].append(copy_speed(x, out))
            for who, make in made.items():
                seconds = seconds_a_batch(make, MOST.get(who, max(8, USUAL // (width * batch))))
                speeds.setdefault(who, []).append(batch * width / seconds / 1e9)
        shares = [mine / copy for mine, copy in zip(speeds["feed, blocks"], speeds["copy"], strict=True)]
        figures[name] = {who: median_and_interval(found) for who, found in speeds.items()}
        figures[name]["feed, blocks / copy, pair by pair"] = median_and_interval(shares)
    return figures


def overhead(runs: int) -> dict[str, Any]:
    """Microseconds a batch where a loader is all overhead; images that become floats."""
    table, answers = torch.randn(200_000, 13), torch.randint(0, 10, (200_000,))
    pixels = np.random.default_rng(0).integers(0, 256, (60_000, 1, 28, 28), dtype=np.uint8)
    decoded, classes = Decoded(pixels, Affine((72.94,), (0.0111,))), np.zeros(60_000, np.int64)
    small = Source.of_tensors((table,), answers, "memory", CPU)
    as_bytes, as_floats = (
        Source(Split(("x",), (array,), classes), "memory", CPU) for array in (decoded, np.asarray(decoded))
    )
    made = {
        "13 floats, batch 256": {
            "feed": by_feed(small, 256),
            "feed, a gather a batch": by_feed(small, 256, chunk=0),
            "feed, prefetch": by_feed(small, 256, prefetch=True),
            "index_select": by_hand(table, answers, 256, select=True),
            "x[rows]": by_hand(table, answers, 256, select=False),
        },
        "image of 784 pixels, batch 128": {
            "feed, kept as bytes": by_feed(as_bytes, 128),
            "feed, kept as floats": by_feed(as_floats, 128),
            "feed, bytes, gathers of 1 MiB": by_feed(as_bytes, 128, chunk=2**20),
        },
    }
    figures: dict[str, Any] = {}
    for name, contest in made.items():
        times: dict[str, list[float]] = {who: [] for who in contest}
        for _ in range(runs):
            for who, make in contest.items():
                times[who].append(seconds_a_batch(make, 400) * 1e6)
        figures[name] = {who: median_and_interval(found) for who, found in times.items()}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    torch.set_num_threads(1)
    figures = {"load before": load_average(), "GB/s": throughput(runs), "microseconds a batch": overhead(runs)}
    write("feed", (__doc__ or "").splitlines()[0], figures, ["aimass", "torch", "numpy"],
          "one thread; a load above 1 before the start: others shared the cores, so ratios count")  # fmt: skip


if __name__ == "__main__":
    main()
