"""How many images a second do ten augmentations give at 224 px?  Beside none, four of geometry, and each alone.

"none" is what a batch costs anyway: its rows copied out of the data set.  "gather" is the plain way to mirror and
shift: one index for every pixel.  Interleaved, so that a busy moment hits all alike; on the GPU where there is one.
Processor seconds say what the work costs where others want the cores too; the record tells how many did.

python benchmarks/augment.py [--runs 15] [--rows 32] [--side 224] [--threads 2]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from aimass.core.signature import Field, Signature
from aimass.train.augment.base import Augmentation
from aimass.train.augment.compose import compose
from aimass.train.batch import Batch
from aimass.train.rng import Chance
from record import median_and_interval, write

TEN = ["flip", "shift", "crop", "affine", "colour", "blur", "noise", "cutout", "mixup", "cutmix"]
SETS = {"ten": TEN, "geometry": TEN[:4], "flip and shift": TEN[:2], **{name: [name] for name in TEN}}
DATA = 4  # batches in the data set


def gather(images: Tensor, by: int = 4) -> Tensor:
    """The images shifted and half of them mirrored, pixel by pixel: the peer of flip and shift."""
    count, _, height, width = images.shape
    shift = torch.randint(0, 2 * by + 1, (count, 2), device=images.device)
    row = torch.arange(height, device=images.device) + shift[:, :1]
    column = torch.arange(width, device=images.device).expand(count, width)
    column = torch.where(torch.rand(count, 1, device=images.device) < 0.5, column.flip(1), column) + shift[:, 1:]
    padded = F.pad(images, (by,) * 4, mode="replicate").permute(0, 2, 3, 1)
    picked = padded[torch.arange(count, device=images.device)[:, None, None], row[:, :, None], column[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def ways(side: int, rows: int, device: str) -> dict[str, Callable[[int], object]]:
    """What is measured, by name: each takes the number of its run."""
    labels = Field("label", "string", values=tuple(map(str, range(10))))
    signature = Signature("multiclass", "class", (), (Field("x.image.photo", "float32", (3, side, side)),), (labels,))
    data = torch.randn(DATA * rows, 3, side, side, device=device)
    target = torch.arange(DATA * rows, device=device) % 10

    def fetched(run: int) -> Batch:
        index = torch.randperm(DATA * rows, generator=torch.Generator().manual_seed(run))[:rows].to(device)
        return Batch((data.index_select(0, index),), target[index], index)

    def way(names: list[str]) -> Callable[[int], object]:
        vary = compose([Augmentation.from_settings(name) for name in names], signature)

        def once(run: int) -> Batch:
            batch = fetched(run)
            return vary(batch, Chance(0, 0, batch.rows))

        return once

    found: dict[str, Callable[[int], object]] = {"none": fetched, "gather": lambda run: gather(fetched(run).tensors[0])}
    return found | {name: way(names) for name, names in SETS.items()}


def rates(once: Callable[[int], object], run: int, rows: int, device: str) -> tuple[float, float]:
    """Images of one batch a second, and a second of processor time of all threads."""
    begin, busy = time.perf_counter(), time.process_time()
    once(run)
    if device == "cuda":
        torch.cuda.synchronize()
    return rows / (time.perf_counter() - begin), rows / (time.process_time() - busy)


def main() -> None:
    ask = argparse.ArgumentParser()
    for name, default in (("runs", 15), ("rows", 32), ("side", 224), ("threads", 2)):
        ask.add_argument(f"--{name}", type=int, default=default)
    given = ask.parse_args()
    torch.set_num_threads(given.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    load = os.getloadavg()[0]  # processes that already want a core: with two cores, 0 is a quiet machine
    measured = ways(given.side, given.rows, device)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in measured}
    for run in range(given.runs + 2):
        for name, once in measured.items():
            found = rates(once, run, given.rows, device)
            if run >= 2:  # the first two warm up
                taken[name].append(found)
    figures = {"device": device, "rows": given.rows, "side": given.side, "threads": given.threads, "load before": load,
               "images a second": {n: median_and_interval([wall for wall, _ in t]) for n, t in taken.items()},
               "images a processor second": {n: median_and_interval([b for _, b in t]) for n, t in taken.items()},
               }  # fmt: skip
    place = "augment" if device == "cpu" else "augment-gpu"
    write(place, f"images a second at {given.side} px, augmented in ten ways?", figures, ["aimass", "torch"])


if __name__ == "__main__":
    main()
