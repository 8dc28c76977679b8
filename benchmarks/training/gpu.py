"""How fast does `aimass.fit` train convolutional networks on one GPU?  All rows of the goals that need one.

ResNet-18 on 32 x 32 pictures against loops written by hand (and Lightning and Accelerate where they are installed), a
small network against the script of its own that such races are run with, ResNet-50 compiled in bfloat16 against float32
eager and against Keras, the share of time the GPU idles, what a checkpoint costs the steps around it, and how far the
advised plan is from the best of all that were tried.  Synthetic pictures: the speed of storage and of decoding is no
part of it.

    python benchmarks/training/gpu.py              # without a GPU: says what it skips, and ends well
    python benchmarks/training/gpu.py --dry        # every path on the CPU with tiny networks; its figures mean nothing

Ten minutes at most: each section has seconds of its own, and what does not fit is left out by name.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks/record.py

import by_hand
import gpu_airbench
import gpu_keras
from by_hand import Work
from gpu_checkpoint import checkpoints
from gpu_idle import busy_share
from gpu_plans import BLOCK, plans
from gpu_rounds import Ways, compared, interleaved, temperature
from gpu_ways import asked, ours, settings_of
from resnet import resnet, resnet18, resnet50
from table import interval

from record import write

LIMIT = 580.0  # seconds of all sections together; the rest of the ten minutes is for starting
RATIOS = {
    "airbench: aimass / by hand": 0.92,
    "ResNet-18: aimass / Lightning": 3.0, "ResNet-18: aimass / Accelerate": 3.0,
    "ResNet-18: aimass / by hand, DataLoader": 2.0, "ResNet-18: aimass, equal / by hand, on the device": 0.99,
    "ResNet-50: bf16, channels last, compiled / tf32 eager": 2.0, "ResNet-50: aimass / Keras 3 on torch": 1.3,
}  # fmt: skip
MOST_IDLE = 0.03  # share of the time
MOST_LOST = 0.1  # steps a saved gigabyte
BEST_PLAN = 0.97  # of its speed
OTHERS = (
    f"steady step: the GPU idles {MOST_IDLE:.0%} at most, the host never waits",
    f"checkpoints: {MOST_LOST:g} steps lost a saved gigabyte at most",
    f"plans: the advised one reaches {BEST_PLAN:.0%} of the best one at least",
)
EAGER = {"precision": "tf32", "layout": "contiguous", "compile": "none"}
FAST = {"precision": "bf16", "layout": "channels-last", "compile": "none"}
COMPILED = {**FAST, "compile": "default"}


@dataclass
class Bench:
    """What the sections share; DRY: tiny networks on the CPU, where nothing compiles and fewer bits only cost."""

    dry: bool
    device: torch.device
    rounds: int
    advised: dict[str, Any] = field(default_factory=dict)  # settings of ResNet-18, once they are found

    def how(self, settings: dict[str, str]) -> dict[str, str]:
        return {**settings, "precision": "fp32", "compile": "none"} if self.dry else settings

    def small(self, network: Callable[[], torch.nn.Module] = resnet18, batch: int = 512, epochs: int = 4) -> Work:
        """32 x 32 pixels, ten classes."""
        if self.dry:
            tiny = partial(resnet, (1, 1), bottleneck=False, small=True, classes=10, width=16)
            network = network if network is gpu_airbench.network else tiny
            return Work(network, *pictures(64, 8, 10), 16, 2, self.device, 0)
        return Work(network, *pictures(51_200, 32, 10), batch, epochs, self.device, min(8, os.cpu_count() or 1))

    def large(self) -> Work:
        """ResNet-50 on 224 x 224 pixels, a thousand classes."""
        if self.dry:
            tiny = partial(resnet, **self.shape())
            return Work(tiny, *pictures(64, 16, 10), 16, 2, self.device, 0)
        return Work(resnet50, *pictures(4_096, 224, 1000), 256, 3, self.device, 0)

    def shape(self) -> dict[str, Any]:
        """Of ResNet-50, as `resnet` has it."""
        if self.dry:
            return {"blocks": (1, 1), "bottleneck": True, "small": False, "classes": 10, "width": 16}
        return {"blocks": (3, 4, 6, 3), "bottleneck": True, "small": False, "classes": 1000, "width": 64}


def pictures(rows: int, size: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(0)
    shape = (rows, 3, size, size)
    return (torch.randint(256, shape, dtype=torch.uint8, generator=chance),
            torch.randint(classes, (rows,), generator=chance))  # fmt: skip


def steady(bench: Bench, until: float) -> dict[str, Any]:
    found: dict[str, Any] = busy_share(bench.small(), **bench.how(FAST))
    return found | {"must": {"idle_share": MOST_IDLE, "host_waits_a_step": 0}}


def airbench(bench: Bench, until: float) -> dict[str, Any]:
    work = bench.small(gpu_airbench.network, batch=1024, epochs=12)
    ways = {
        "airbench: aimass": partial(gpu_airbench.through_fit, work, **bench.how(FAST)),
        "airbench: by hand": partial(gpu_airbench.by_script, work),
    }
    return raced(ways, 2 * bench.rounds, until)


def saves(bench: Bench, until: float) -> dict[str, Any]:
    """On ResNet-50 for small pictures: 0.4 GB of weights, best weights and moments."""
    network = partial(resnet, (3, 4, 6, 3), bottleneck=True, small=True, classes=10)
    work, tell, save = bench.small(network, epochs=8), 0.5, 2.5
    if bench.dry:
        work, tell, save = replace(work, epochs=20), 0.0, 0.02
    return checkpoints(work, tell, save, MOST_LOST, **bench.how(FAST))


def advised(bench: Bench, until: float) -> dict[str, Any]:
    seconds, block = (3.0, 0.02) if bench.dry else (120.0, BLOCK)
    found = plans(bench.small(), seconds, until, BEST_PLAN, block)
    bench.advised = found["settings"]
    return found


def resnet_18(bench: Bench, until: float) -> dict[str, Any]:
    work, left_out = bench.small(), {}
    ways: dict[str, Callable[[], float]] = {
        "ResNet-18: aimass, equal": partial(ours, work, **bench.how(FAST)),
        "ResNet-18: by hand, on the device": partial(by_hand.in_memory, work),
        "ResNet-18: by hand, DataLoader": partial(by_hand.with_loader, work),
        "ResNet-18: Lightning": partial(by_hand.lightning, work),
        "ResNet-18: Accelerate": partial(by_hand.accelerate, work),
    }
    if bench.advised:
        ways["ResNet-18: aimass"] = partial(ours, work, **bench.advised)
    else:
        left_out = {"ResNet-18: aimass": "there is no advice"}
    return raced(ways, bench.rounds, until, left_out)


def resnet_50(bench: Bench, until: float) -> dict[str, Any]:
    """Out of the box is what the advisor finds in the seconds that a run of hours gives it by itself."""
    work, shape = bench.large(), bench.shape()
    _, advice = asked(work, 3.0 if bench.dry else 30.0)
    compiled = partial(ours, work, **bench.how(COMPILED))
    compiled()  # unmeasured: the first round is to be as long as the next
    keras = {name: value for name, value in shape.items() if name != "bottleneck"}
    ways = {
        "ResNet-50: aimass": partial(ours, work, **settings_of(advice.plan)),
        "ResNet-50: bf16, channels last, compiled": compiled,
        "ResNet-50: tf32 eager": partial(ours, work, **bench.how(EAGER)),
        "ResNet-50: Keras 3 on torch": partial(gpu_keras.trained, work, **keras),
    }
    return raced(ways, bench.rounds, until) | {"advice": advice.reason}


def raced(ways: Ways, rounds: int, until: float, left_out: dict[str, str] | None = None) -> dict[str, Any]:
    rates, more = interleaved(ways, rounds, until)
    return {"rows_per_s": {name: interval(found) for name, found in rates.items()},
            "ratios": compared(rates, RATIOS), "left out": {**(left_out or {}), **more}}  # fmt: skip


Section = Callable[[Bench, float], dict[str, Any]]
SECTIONS: dict[str, tuple[float, Section]] = {  # seconds of each; the advised settings are wanted by what follows
    "steady step": (30.0, steady),
    "airbench": (45.0, airbench),
    "checkpoints": (45.0, saves),
    "plans": (220.0, advised),
    "ResNet-18": (75.0, resnet_18),
    "ResNet-50": (165.0, resnet_50),
}


def measured(bench: Bench) -> dict[str, Any]:
    """All sections that fit; a GPU is rare, so one that fails is told at the end and the others are measured."""
    found: dict[str, Any] = {"left out": {}, "failed": {}}
    began = time.monotonic()
    for name, (seconds, section) in SECTIONS.items():
        left = began + LIMIT - time.monotonic()
        if left < seconds / 2:
            found["left out"][name] = f"{max(0.0, left):.0f} s are left of {LIMIT:.0f}"
            continue
        print(f"\n{name}", flush=True)
        try:
            found[name] = section(bench, time.monotonic() + min(left, seconds / 10 if bench.dry else seconds))
        except Exception:
            found["failed"][name] = traceback.format_exc()
        print(found.get(name, found["failed"].get(name)), flush=True)
    found["seconds"] = round(time.monotonic() - began)
    return found


def show(found: dict[str, Any]) -> None:
    """Print the rows, and what was left out, for people."""
    print()
    for name, section in found.items():
        if name in SECTIONS:
            for row, ratio in section.get("ratios", section).items():
                if isinstance(ratio, dict) and "median" in ratio:
                    must = f"  must {ratio['must']}" if "must" in ratio else ""
                    print(f"{row:62}{ratio['median']:7.3f}  {ratio['low']:.3f} .. {ratio['high']:.3f}{must}")
            for what, why in section.get("left out", {}).items():
                print(f"{what if what.startswith(name) else f'{name}: {what}'} left out: {why}")
    for name, why in found["left out"].items():
        print(f"{name} left out: {why}")
    for name in found["failed"]:
        print(f"{name} FAILED")
    print(f"{found['seconds']} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if not (torch.cuda.is_available() or args.dry):
        print("no GPU here: skipped", *RATIOS, *OTHERS, sep="\n  ")
        return 0
    found = measured(Bench(args.dry, torch.device("cpu" if args.dry else "cuda"), args.rounds))
    show(found)
    if not args.dry:
        found["gpu"] = {"name": torch.cuda.get_device_name(), "cuda": torch.version.cuda, "state": temperature()}
        write("training-gpu", __doc__.split("\n")[0], found, ["torch"])
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
