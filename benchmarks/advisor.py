"""Does the advisor decide rightly?  Its own tests (design, 3.4) in real time, each over many runs.

    python benchmarks/advisor.py --runs 100        about half an hour; a quiet machine, one process at a time

A step is real work (matrix products) and a sleep; a candidate shortens or lengthens the sleep by a share of the step.
The wrong candidates halve it, and compute other gradients with a real network.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from aimass.train.advisor.advise import advise
from aimass.train.advisor.bench import Phase
from aimass.train.advisor.candidates import Candidate
from aimass.train.plan import Plan
from record import median_and_interval, write

PLAN = Plan(rows=256, batch=64, epochs=1000, steps=100, seed=0, threads=1, update="single")
STEP = 0.012  # seconds, half of it sleep
SECONDS = 20.0  # the budget of a run


@dataclass(frozen=True)
class Change:
    """What the candidate does: GAIN of the whole step, TWIST of the network."""

    gain: float = 1.0
    twist: Callable[[nn.Module], Any] | None = None


class SleepBench:
    """The candidate is layout channels-last, whatever it does."""

    def __init__(self, change: Change) -> None:
        self.plan, self.change = PLAN, change
        self.facts: Mapping[str, Any] = {"device": "cpu", "cores": 1, "planned_steps": 100_000}

    def build(self, plan: Plan) -> SleepTrial:
        return SleepTrial(plan, self.change if plan.layout == "channels-last" else Change())

    def fresh(self) -> list[str] | None:
        return None


class SleepTrial:
    setup_seconds, peak_bytes = 0.0, 0

    def __init__(self, plan: Plan, change: Change) -> None:
        self.plan, self.change, self.matrix = plan, change, torch.randn(192, 192)
        self.sleep = STEP / 2 - STEP * (1 - 1 / change.gain)

    def work(self, count: int) -> None:
        """About half a step: products for 6 ms on one core of a 2 GHz machine; the same for every candidate."""
        torch.set_num_threads(1)
        for _ in range(count * PRODUCTS):
            self.matrix @ self.matrix

    def rest(self, count: int) -> None:
        for _ in range(count):
            time.sleep(self.sleep)

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.work(1)
            self.rest(1)

    def phases(self) -> dict[str, Phase]:
        return {"forward": self.rest, "backward": self.rest, "update": self.work, "step": self.steps}

    def network(self) -> tuple[nn.Module, Tensor, Tensor]:
        torch.manual_seed(self.plan.seed)
        net = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 4))
        rows = torch.randn(PLAN.rows, 20)
        if self.change.twist:
            self.change.twist(net)
        return net, rows, rows[:, :4].argmax(1)

    def losses(self, count: int) -> list[float]:
        net, rows, target = self.network()
        optimizer, found = torch.optim.AdamW(net.parameters(), lr=1e-2), []
        for step in range(count):
            at = slice(step % 4 * 64, step % 4 * 64 + 64)
            loss = nn.functional.cross_entropy(net(rows[at]), target[at])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(float(loss.detach()))
        return found

    def gradients(self) -> dict[str, Tensor]:
        net, rows, target = self.network()
        nn.functional.cross_entropy(net(rows), target).backward()
        return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}

    def close(self) -> None:
        pass


def products() -> int:
    """So many that they take half a step here."""
    matrix = torch.randn(192, 192)
    torch.set_num_threads(1)
    fastest = float("inf")
    for _ in range(20):
        begin = time.perf_counter()
        for _ in range(20):
            matrix @ matrix
        fastest = min(fastest, (time.perf_counter() - begin) / 20)
    return max(1, round(STEP / 2 / fastest))


def detached(net: Any) -> None:
    net[0].register_forward_hook(lambda layer, given, out: out.detach())


def bf16_accumulated(net: nn.Module) -> None:
    for parameter in net.parameters():
        parameter.register_hook(lambda gradient: gradient.bfloat16().float())


def burn(seed: int) -> None:
    """A neighbour that works and rests, both for up to two seconds."""
    chance = random.Random(seed)
    while True:
        until = time.monotonic() + chance.uniform(0.2, 2)
        while time.monotonic() < until:
            sum(range(10_000))
        time.sleep(chance.uniform(0.2, 2))


@contextmanager
def background_load(wanted: bool) -> Iterator[None]:
    """Two neighbours, while inside."""
    neighbours = [multiprocessing.Process(target=burn, args=(seed,), daemon=True) for seed in range(2 * wanted)]
    for neighbour in neighbours:
        neighbour.start()
    try:
        yield
    finally:
        for neighbour in neighbours:
            neighbour.terminate()
            neighbour.join()


def ask(change: Change, runs: int, load: bool = False) -> dict[str, Any]:
    """Verdicts of so many runs, what was confirmed, and the longest share of the budget."""
    only = [Candidate("fake", "E", {"layout": "channels-last"}, ("forward", "backward"), 1.3, lambda f, p: "")]
    verdicts: Counter[str] = Counter()
    ratios, shares, wrong = [], [], 0
    with background_load(load):
        for seed in range(runs):
            advice = advise(SleepBench(change), seconds=SECONDS, seed=seed, table=only)
            verdicts[advice.verdict] += 1
            shares.append(advice.seconds / SECONDS)
            wrong += any(row.numerics.startswith("wrong") for row in advice.rows)
            if advice.verdict == "adopted" and advice.ratio:
                ratios.append(advice.ratio.value)
    told = {"runs": runs, **verdicts, "refused_by_the_guard": wrong, "longest_share_of_budget": round(max(shares), 3)}
    return {**told, "confirmed": {**median_and_interval(ratios), "runs": len(ratios)}} if ratios else told


def main() -> None:
    global PRODUCTS
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=100)
    runs, PRODUCTS = options.parse_args().runs, products()
    few = max(1, runs // 5)
    figures = {
        "1 five per cent faster": ask(Change(1.05), runs),
        "1 five per cent slower": ask(Change(0.95), runs),
        "2 the same": ask(Change(), runs),
        "3 the same, load switching on and off": ask(Change(), runs, load=True),
        "3 five per cent slower, load switching on and off": ask(Change(0.95), few, load=True),
        "4 a detached layer": ask(Change(1.8, detached), few),
        "4 gradients added up in bfloat16": ask(Change(1.8, bf16_accumulated), few),
    }
    note = (
        "Wanted: adopted in 95 of 100 (faster), not adopted in 95 of 100 (slower, load), 98 of 100 (the same) and "
        "always (wrong), and at most 1.1 of the budget.  A machine too noisy is a refusal."
    )
    write("advisor", "does the advisor decide rightly?", figures, ["torch"], note)


PRODUCTS = 1

if __name__ == "__main__":
    main()
