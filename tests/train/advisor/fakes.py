"""Benches whose times are known: a clock that only moves when work is done, and noise that was chosen."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import torch
from torch import Tensor

from aimass.train.advisor.bench import Phase
from aimass.train.advisor.candidates import Candidate
from aimass.train.advisor.watch import Pressure, Watch
from aimass.train.plan import Plan

PLAN = Plan(rows=10_000, batch=100, epochs=10, steps=100, seed=0, threads=2, update="single")
PARTS = {"data": 0.004, "copy": 0.0, "forward": 0.005, "backward": 0.010, "update": 0.001}  # seconds of a step

Noise = Callable[[float, Random], float]  # time of the clock -> factor on what a block takes


def quiet(at: float, random: Random) -> float:
    """Two per cent from block to block."""
    return math.exp(random.gauss(0, 0.02))


def drifting(at: float, random: Random) -> float:
    """The clock of the cores falls by a third within half a minute."""
    return (1 + at / 90) * quiet(at, random)


def bursts(at: float, random: Random) -> float:
    """Something else takes 40 % of the machine for a second, every three seconds."""
    return (1.4 if at % 3 < 1 else 1.0) * quiet(at, random)


class Wandering:
    """Autocorrelated noise: a slow mood with a memory of about ten blocks, 3 % wide."""

    def __init__(self) -> None:
        self.mood = 0.0

    def __call__(self, at: float, random: Random) -> float:
        self.mood = 0.9 * self.mood + random.gauss(0, 0.03 * math.sqrt(1 - 0.9**2))
        return math.exp(self.mood) * quiet(at, random)


class FakeBench:
    """Steps of about 20 ms; GAINS: factor on the seconds of a part, by the plan's field, value and part.

    Numbers: a small gradient and a falling loss, changed by TWISTS: field and value -> (gradients, losses) -> both.
    """

    def __init__(
        self,
        gains: Mapping[tuple[str, Any, str], float] = {},
        *,
        noise: Noise = quiet,
        seed: int = 0,
        twists: Mapping[tuple[str, Any], Callable[..., Any]] = {},
        setup: Mapping[tuple[str, Any], float] = {},
        plan: Plan = PLAN,
        scale: float = 1.0,
        **facts: Any,
    ) -> None:
        self.gains, self.noise, self.random, self.twists, self.setup = gains, noise, Random(seed), twists, setup
        self.plan, self.scale, self.time, self.open, self.built = plan, scale, 0.0, 0, 0
        self.facts = {"device": "cpu", "cores": 2, "planned_steps": 100_000, "host_bytes": 2**33, **facts}
        self.peaks: Callable[[Plan], int] = lambda plan: 0
        self.command: list[str] | None = None

    @property
    def watch(self) -> Watch:
        return Watch(now=lambda: self.time, pressed=lambda: Pressure(0, int(200 * self.time), 0))

    def seconds(self, plan: Plan) -> dict[str, float]:
        """Of each part of a step of PLAN, without noise."""
        told = plan.values()
        gains = [(part, gain) for (name, value, part), gain in self.gains.items() if told[name] == value]
        return {p: self.scale * s * math.prod(g for part, g in gains if part in (p, "*")) for p, s in PARTS.items()}

    def spend(self, seconds: float) -> None:
        self.time += seconds * self.noise(self.time, self.random)

    def build(self, plan: Plan) -> FakeTrial:
        setup = sum(s for (name, value), s in self.setup.items() if plan.values()[name] == value)
        self.time += 0.05 + setup
        self.open, self.built = self.open + 1, self.built + 1
        return FakeTrial(self, plan, setup)

    def fresh(self) -> list[str] | None:
        return self.command


class FakeTrial:
    def __init__(self, bench: FakeBench, plan: Plan, setup: float) -> None:
        self.bench, self.plan, self.setup_seconds, self.peak_bytes = bench, plan, setup, bench.peaks(plan)

    def steps(self, count: int) -> None:
        self.bench.spend(count * sum(self.bench.seconds(self.plan).values()))

    def numbers(self, count: int) -> tuple[dict[str, Tensor], list[float]]:
        generator = torch.Generator().manual_seed(self.plan.seed)
        gradients = {f"{layer}.{kind}": torch.randn(16, generator=generator)
                     for layer in ("first", "last") for kind in ("weight", "bias")}  # fmt: skip
        rounding = 1 + 1e-7 * self.plan.threads
        losses = [rounding * math.exp(-step / 50) * (1 + 0.01 * (self.plan.seed - PLAN.seed)) for step in range(count)]
        told = self.plan.values()
        for (name, value), twist in self.bench.twists.items():
            if told[name] == value:
                gradients, losses = twist(gradients, losses)
        return gradients, losses

    def losses(self, count: int) -> list[float]:
        self.steps(count)
        return self.numbers(count)[1]

    def gradients(self) -> dict[str, Tensor]:
        self.steps(1)
        return self.numbers(1)[0]

    def phases(self) -> dict[str, Phase]:
        def phase(*parts: str) -> Phase:
            def work(count: int) -> None:
                seconds = self.bench.seconds(self.plan)
                self.bench.spend(count * sum(seconds[part] for part in parts))

            return work

        alone = {part: phase(part) for part in ("data", "copy", "forward", "update")}
        return {**alone, "backward": phase("forward", "backward"), "step": phase(*PARTS)}

    def close(self) -> None:
        self.bench.open -= 1


def only(kind: str = "E", touches: tuple[str, ...] = ("forward", "backward"), **changes: Any) -> Candidate:
    """One candidate that always applies."""
    return Candidate("fake", kind, changes or {"layout": "channels-last"}, touches, 1.3, lambda f, p: "")  # type: ignore[arg-type]


class SleepBench(FakeBench):
    """The same in real time: work is sleep.  Called a GPU, because blocks are shorter there: 20 ms."""

    def __init__(self, gains: Mapping[tuple[str, Any, str], float], **options: Any) -> None:
        super().__init__(gains, scale=0.5, device="cuda", **options)

    def spend(self, seconds: float) -> None:
        time.sleep(seconds)
