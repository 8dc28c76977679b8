"""How fast does `aimass.fit` train residual networks on one GPU?  The rows of the goals that need one, in ten minutes.

ResNet-18 on 32 x 32 pictures against loops written by hand (and Lightning and Accelerate where they are installed),
ResNet-50 in bfloat16, channels last, compiled against float32 eager, the share of time the GPU idles, how often a
step makes the host wait.  Synthetic pictures: the speed of storage and of decoding is no part of it.

    python benchmarks/training/gpu.py              # without a GPU: says what it skips, and ends well
    python benchmarks/training/gpu.py --dry        # every path on the CPU with tiny networks; its figures mean nothing
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks/record.py
sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))  # ours.py

import by_hand
from by_hand import Work
from ours import epoch_seconds
from resnet import resnet, resnet18, resnet50
from table import interval

from aimass.train.fit import fit
from record import write

MUST = {
    "ResNet-18: aimass / Lightning": 3.0, "ResNet-18: aimass / Accelerate": 3.0,
    "ResNet-18: aimass / by hand, DataLoader": 2.0, "ResNet-18: aimass, equal / by hand, on the device": 0.99,
    "ResNet-50: bf16, channels last, compiled / tf32 eager": 2.0,
}  # fmt: skip
MOST_IDLE = 0.03  # share of the time
ELSEWHERE = "airbench, Keras, checkpoints, exhaustive plans: not measured by this script"
A_STEP = "aten::_log_softmax"  # what each step does once, in its loss
WAITS = {"cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize"}
EAGER = {"precision": "tf32", "layout": "contiguous", "compile": "none"}
FAST = {"precision": "bf16", "layout": "channels-last", "compile": "none"}
COMPILED = {**FAST, "compile": "default"}


def ours(work: Work, advised: bool = False, **how: Any) -> float:
    """Rows a second of whole epochs through `aimass.fit`, the first apart."""
    return work.rows * (work.epochs - 1) / sum(epoch_seconds(fitted(work, advised, **how).history)[1:])


def fitted(work: Work, advised: bool = False, **how: Any) -> Any:
    return fit(
        work.network(), (work.values(), work.labels), epochs=work.epochs, batch=work.batch, optimizer="sgd",
        learning_rate=by_hand.RATE, momentum=by_hand.MOMENTUM, schedule="constant", weight_decay=0.0, clip=0.0,
        device=work.device, **({} if advised else {"advise": "off", "update": "fused", "tier": "device", **how}),
    )  # fmt: skip


def interleaved(ways: dict[str, Callable[[], float]], rounds: int) -> tuple[dict[str, list[float]], dict[str, str]]:
    """({name: rows/s a round}, {name: why it was left out}); the order is drawn anew in each round."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    skipped: dict[str, str] = {}
    for round_ in range(rounds):
        for name in random.Random(round_).sample(list(ways), len(ways)):
            if name in skipped:
                continue
            try:
                rates[name].append(ways[name]())
            except ImportError as error:
                skipped[name] = f"{error.name} is not installed"
            else:
                print(f"{name}: {rates[name][-1]:,.0f} rows/s {temperature()}", flush=True)
    return {name: found for name, found in rates.items() if found}, skipped


def temperature() -> str:
    """Clock, temperature and power of the GPU, for people; '' without its tool."""
    query = ["nvidia-smi", "--query-gpu=clocks.sm,temperature.gpu,power.draw", "--format=csv,noheader"]
    try:
        return f"({subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()})"
    except (OSError, subprocess.CalledProcessError):
        return ""


def busy_share(work: Work, **how: Any) -> dict[str, float]:
    """Share of a steady step in which the device idles, and waits of the host a step.

    A profiler slows the host down, not the kernels: busy seconds come from a profiled run, those of a step from
    another one without it.
    """
    from torch.profiler import ProfilerActivity, profile

    cuda = work.device.type == "cuda"
    a_step = work.batch / ours(work, **how)
    with profile(
        activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])], acc_events=True
    ) as seen:
        fitted(work, **how)
    kind = torch.autograd.DeviceType.CUDA if cuda else torch.autograd.DeviceType.CPU
    events = [(e.time_range.start, e.time_range.end, e.name) for e in seen.events() if e.device_type == kind]
    begin, end = min(e[0] for e in events), max(e[1] for e in events)
    window = (begin + 0.4 * (end - begin), begin + 0.9 * (end - begin))  # what is before and after is no steady step
    steps = sum(e.name == A_STEP and window[0] <= e.time_range.start < window[1]
                for e in seen.events() if e.device_type == torch.autograd.DeviceType.CPU)  # fmt: skip
    waits = sum(e.name in WAITS and window[0] <= e.time_range.start < window[1] for e in seen.events())
    busy = covered([(max(b, window[0]), min(e, window[1])) for b, e, _ in events if b < window[1] and e > window[0]])
    return {"idle_share": 1 - 1e-6 * busy / max(steps, 1) / a_step, "host_waits_a_step": waits / max(steps, 1),
            "steps_seen": steps}  # fmt: skip


def covered(spans: list[tuple[float, float]]) -> float:
    """Length of the union of SPANS."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def pictures(rows: int, size: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(0)
    shape = (rows, 3, size, size)
    return (torch.randint(256, shape, dtype=torch.uint8, generator=chance),
            torch.randint(classes, (rows,), generator=chance))  # fmt: skip


def works(dry: bool, device: torch.device) -> tuple[Work, Work]:
    """(ResNet-18 on 32 x 32, ResNet-50 on 224 x 224); DRY: a block a stage of 16 channels, a few rows."""
    if dry:
        tiny = partial(resnet, (1, 1), small=True, classes=10, width=16)
        small = Work(partial(tiny, bottleneck=False), *pictures(64, 8, 10), 16, 2, device, 0)
        return small, Work(partial(tiny, bottleneck=True), *pictures(64, 8, 10), 16, 2, device, 0)
    workers = min(8, os.cpu_count() or 1)
    return (Work(resnet18, *pictures(51_200, 32, 10), 512, 4, device, workers),
            Work(resnet50, *pictures(8_192, 224, 1000), 256, 3, device, workers))  # fmt: skip


def compared(rates: dict[str, list[float]]) -> dict[str, Any]:
    """Each row of MUST whose two sides ran."""
    found = {}
    for row, must in MUST.items():
        network, sides = row.split(": ")
        ours_name, theirs = (f"{network}: {side}" for side in sides.split(" / "))
        if ours_name in rates and theirs in rates:
            pairs = zip(rates[ours_name], rates[theirs], strict=True)
            found[row] = interval([a / b for a, b in pairs]) | {"must": must}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if not (torch.cuda.is_available() or args.dry):
        print("no GPU here: skipped", *MUST, "GPU idle share", "host waits a step", ELSEWHERE, sep="\n  ")
        return
    began = time.monotonic()
    small, large = works(args.dry, torch.device("cpu" if args.dry else "cuda"))
    fast = {**FAST, "precision": "fp32"} if args.dry else FAST
    ways: dict[str, Callable[[], float]] = {
        "ResNet-18: aimass": partial(ours, small, advised=True),
        "ResNet-18: aimass, equal": partial(ours, small, **fast),
        "ResNet-18: by hand, on the device": partial(by_hand.in_memory, small),
        "ResNet-18: by hand, DataLoader": partial(by_hand.with_loader, small),
        "ResNet-18: Lightning": partial(by_hand.lightning, small),
        "ResNet-18: Accelerate": partial(by_hand.accelerate, small),
        "ResNet-50: bf16, channels last, compiled": partial(ours, large, **({**COMPILED} if not args.dry else fast)),
        "ResNet-50: tf32 eager": partial(ours, large, **({**EAGER} if not args.dry else fast)),
    }
    rates, skipped = interleaved(ways, args.rounds)
    figures: dict[str, Any] = {"rows_per_s": {name: interval(found) for name, found in rates.items()},
                               "ratios": compared(rates), "steady step": busy_share(small, **fast),
                               "skipped": {**skipped, "elsewhere": ELSEWHERE}}  # fmt: skip
    figures["steady step"]["must"] = {"idle_share": MOST_IDLE, "host_waits_a_step": 0}
    for row, ratio in figures["ratios"].items():
        print(f"{row:62}{ratio['median']:7.2f}  {ratio['low']:.2f} .. {ratio['high']:.2f}  must {ratio['must']}")
    print(figures["steady step"], figures["skipped"], f"{time.monotonic() - began:.0f} s", sep="\n")
    if not args.dry:
        figures["gpu"] = {"name": torch.cuda.get_device_name(), "cuda": torch.version.cuda, "state": temperature()}
        write("training-gpu", __doc__.split("\n")[0], figures, ["torch"])


if __name__ == "__main__":
    main()
