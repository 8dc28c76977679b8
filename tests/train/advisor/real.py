"""A bench of a real network, trained for real by the shortest loop there is: what guards and a short try need."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from aimass.train.advisor.bench import Phase
from aimass.train.plan import Plan

PLAN = Plan(rows=256, batch=32, epochs=20, steps=8, seed=0, threads=1, update="single", learning_rate=1e-3)
Twist = Callable[[nn.Module], None]  # what a wrong candidate does to the network


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 9, 32), nn.ReLU(), nn.Linear(32, 4),
    )  # fmt: skip


class RealBench:
    """Images of 12 x 12 whose brighter quarter is their class.  TWISTS: what a plan's `hook` does wrong."""

    def __init__(self, plan: Plan = PLAN, twists: Mapping[str, Twist] = {}, **facts: Any) -> None:
        self.plan, self.twists = plan, twists
        self.facts = {"device": "cpu", "cores": 2, "has_convolutions": True, "planned_steps": 10_000, **facts}
        generator = torch.Generator().manual_seed(0)
        self.target = torch.randint(4, (plan.rows,), generator=generator)
        self.images = torch.randn(plan.rows, 1, 12, 12, generator=generator)
        for row, quarter in enumerate(self.target.tolist()):
            self.images[row, 0, 6 * (quarter // 2) :][:6, 6 * (quarter % 2) :][:, :6] += 1

    def build(self, plan: Plan) -> RealTrial:
        return RealTrial(self, plan)

    def fresh(self) -> list[str] | None:
        return None


class RealTrial:
    def __init__(self, bench: RealBench, plan: Plan) -> None:
        self.bench, self.plan, self.at, self.peak_bytes = bench, plan, 0, 0
        began = time.perf_counter()
        self.restart()
        self.setup_seconds = time.perf_counter() - began

    def restart(self) -> None:
        """Fresh weights of the seed."""
        torch.manual_seed(self.plan.seed)
        self.at, self.module = 0, convolutions()
        if self.plan.layout == "channels-last":
            self.module = self.module.to(memory_format=torch.channels_last)
        twist = self.bench.twists.get(self.plan.hook)
        if twist:
            twist(self.module)
        how = {name: self.plan.update == name for name in ("fused", "foreach")}
        self.optimizer = torch.optim.AdamW(self.module.parameters(), lr=self.plan.learning_rate, **how)

    def batch(self) -> tuple[Tensor, Tensor]:
        begin = self.at * self.plan.batch % self.plan.rows
        self.at += 1
        return self.bench.images[begin : begin + self.plan.batch], self.bench.target[begin : begin + self.plan.batch]

    def loss(self, images: Tensor, target: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.plan.precision == "bf16"):
            scores = self.module(images)
        return nn.functional.cross_entropy(scores.float(), target)

    def step(self) -> float:
        loss = self.loss(*self.batch())
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad()
        return float(loss.detach())

    def steps(self, count: int) -> None:
        torch.set_num_threads(self.plan.threads)
        for _ in range(count):
            self.step()

    def losses(self, count: int) -> list[float]:
        torch.set_num_threads(self.plan.threads)
        self.restart()
        return [self.step() for _ in range(count)]

    def gradients(self) -> dict[str, Tensor]:
        torch.set_num_threads(self.plan.threads)
        self.restart()
        self.loss(*self.batch()).backward()  # type: ignore[no-untyped-call]
        return {n: p.grad.clone() for n, p in self.module.named_parameters() if p.grad is not None}

    def phases(self) -> dict[str, Phase]:
        batch = self.batch()
        self.loss(*batch).backward()  # type: ignore[no-untyped-call]
        parts: dict[str, Callable[[], Any]] = {
            "data": self.batch,
            "forward": lambda: self.loss(*batch),
            "backward": lambda: self.loss(*batch).backward(),  # type: ignore[no-untyped-call]
            "update": self.optimizer.step,
            "step": self.step,
        }

        def phase(part: Callable[[], Any]) -> Phase:
            def work(count: int) -> None:
                torch.set_num_threads(self.plan.threads)
                for _ in range(count):
                    part()

            return work

        return {name: phase(part) for name, part in parts.items()}

    def close(self) -> None:
        pass
