"""What does data parallel cost, and when do shorter gradients pay?

Two ranks of one thread and one core each.  Efficiency is against the no-communication twin: the same two processes take
turns at steps with and without an exchange, so that shared caches, memory and a busy host slow both alike.  Wires are
network namespaces (netns.py), and a raw copy proves their rate.  The physics line: two ranks must each send all bytes
of a gradient once (2 (n - 1) / n of them), so a step that only waits takes bytes / rate at least; faster is a mistake.

    python benchmarks/parallel.py                     # root for the namespaces; without it the loopback only
    python benchmarks/parallel.py --quick             # a few rounds of everything: does it work?
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import netns
from aimass.core.step import Context
from aimass.runner.gang import Rank
from aimass.train.fit import fit
from aimass.train.parallel.base import Placement
from aimass.train.parallel.comm import wire_bytes
from aimass.train.parallel.ddp import DataParallel
from aimass.train.parallel.exposed import communication
from aimass.train.parallel.group import placed
from aimass.train.parallel.present import present
from aimass.train.shards import shard_of, talking
from record import median_and_interval, significant, write

RANKS, BATCH, LOW_RANK = 2, 64, 4
DATA = Path("/usr/share/datasets/fashion-mnist")
BUCKETS = (25.0, 4.0)  # MiB: torch's own, and ours on a processor
HOOKS = ("none", "fp16", "bf16", "powersgd")
WIRES = {"loopback": None, "unlimited": 0.0, "1 Gbit": 1000.0, "100 Mbit": 100.0}
FULL = {"rounds": 15, "steps": 20, "turns": 7, "rows": 12_000, "epochs": 6, "seeds": 3, "table": 400_000, "advice": 60}
QUICK = {"rounds": 3, "steps": 5, "turns": 2, "rows": 2_000, "epochs": 1, "seeds": 1, "table": 20_000, "advice": 15}


def cnn() -> nn.Module:
    """421,642 weights."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def wide() -> nn.Module:
    """10.2 million weights in ten even layers: gradients are ready all through the backward pass."""
    layers: list[nn.Module] = [nn.Flatten()]
    for before in [784, *[1024] * 9]:
        layers += [nn.Linear(before, 1024), nn.LayerNorm(1024), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(1024, 10))


def numbers_of(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


class Trainee:
    """A network, its optimizer and a batch that never changes."""

    def __init__(self, make: Callable[[], nn.Module], rows: int, placement: Placement | None, hook: str = "none"):
        torch.manual_seed(0)
        self.module = make()
        self.network = placement.wrap(self.module, hook) if placement else self.module
        self.optimizer = torch.optim.Adam(self.module.parameters(), fused=True)
        self.rows, self.target = torch.randn(rows, 1, 28, 28), torch.randint(10, (rows,))

    def backward(self) -> None:
        F.cross_entropy(self.network(self.rows), self.target).backward()

    def step(self) -> None:
        self.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()


class Meeting(Trainee):
    """Gradients are a rank's own, and the ranks wait for each other in every step."""

    def __init__(self, make: Callable[[], nn.Module], rows: int, placement: Placement) -> None:
        super().__init__(make, rows, None)
        self.placement = placement

    def backward(self) -> None:
        super().backward()
        self.placement.reduce(torch.zeros(1))


# -- what a rank does -----------------------------------------------------------------------------------------


def efficiency(rank: Rank, placement: Placement, *, rounds: int, steps: int, **_: int) -> dict[str, list[float]]:
    """Seconds of blocks of steps: with the exchange, with one through sockets, with a meeting but nothing to exchange
    (what waiting for each other costs, whoever exchanges), and twice without (the twin's A/A)."""
    assert (rank.peers == rank.world) == (getattr(placement, "shared", None) is not None)  # else it is sockets twice
    kinds = {
        "exchange": Trainee(cnn, BATCH, placement),
        "sockets": Trainee(cnn, BATCH, DataParallel(placement.device)),
        "meeting": Meeting(cnn, BATCH, placement),
        "twin": Trainee(cnn, BATCH, None),
        "twin again": Trainee(cnn, BATCH, None),
    }
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(-1, rounds):
        for name, trainee in kinds.items():
            taken = timed(placement, lambda trainee=trainee: [trainee.step() for _ in range(steps)])
            if turn >= 0:  # the first warms up
                seconds[name].append(taken)
    return seconds


def hooks(rank: Rank, placement: Placement, *, turns: int, **_: int) -> dict[str, Any]:
    """Seconds and bytes on the wire of steps that wait for it, by hook; each takes its turn."""
    trainees, placements = {}, {}
    for hook in HOOKS:
        options = {"low_rank": LOW_RANK, "dense_steps": 2} if hook == "powersgd" else {}
        placements[hook] = DataParallel(placement.device, **options)
        trainees[hook] = Trainee(wide, BATCH, placements[hook], hook)
    twin = Trainee(wide, BATCH, None)
    found: dict[str, Any] = {name: {"seconds": [], "wire": []} for name in (*HOOKS, "twin")}
    for turn in range(-3, turns):  # torch lays its buckets out anew, PowerSGD begins with whole gradients
        for name, trainee in {**trainees, "twin": twin}.items():
            before = netns.sent()
            taken = timed(placement, trainee.step)
            placement.reduce(torch.zeros(1))
            if turn >= 0:
                found[name]["seconds"].append(taken)
                found[name]["wire"].append(netns.sent() - before)
    handed = {name: p.hook.sent / (turns + 3) for name, p in placements.items() if p.hook}
    return {**found, "numbers": numbers_of(twin.module), "handed": handed}


def overlap(rank: Rank, placement: Placement, *, turns: int, **_: int) -> dict[str, dict[str, float]]:
    """Exposed communication of the wide network, by MiB of a bucket, with a batch that computes about as long as the
    exchange takes: where computing is shorter there is nothing to hide behind."""
    probe = Trainee(wide, 8 * BATCH, None)
    probe.backward()
    a_row = statistics.median(timed(placement, probe.backward) for _ in range(3)) / (8 * BATCH)
    numbers = numbers_of(probe.module)
    flat = torch.zeros(numbers)
    exchange = timed(placement, lambda: placement.reduce(flat))
    rows = int(placement.reduce(torch.tensor(exchange / a_row))) // placement.world
    seconds = {}
    for bucket in BUCKETS:
        mine = DataParallel(placement.device, bucket=bucket)
        trainee = Trainee(wide, rows, mine)
        for _ in range(2):  # torch lays its buckets out anew after the first
            trainee.backward()
        found = communication(mine, trainee.backward, numbers, rounds=turns)
        seconds[str(bucket)] = {**found._asdict(), "exposed": found.exposed, "share": found.share, "rows": rows}
    return seconds


def accuracy(
    rank: Rank, placement: Placement, *, rows: int, epochs: int, seeds: int, **_: int
) -> dict[str, list[float]]:
    """Test accuracy of the wide network by hook, one figure a seed; the same seeds for all."""
    train, test = images("train", rows), images("t10k", 10_000)
    found: dict[str, list[float]] = {hook: [] for hook in ("none", "fp16", "powersgd")}
    steps = epochs * (rows // (RANKS * BATCH))
    for seed in range(seeds):
        for hook in found:
            options = {"low_rank": LOW_RANK, "dense_steps": max(2, steps // 10)} if hook == "powersgd" else {}
            found[hook].append(fitted(rank, DataParallel(placement.device, **options), hook, train, test, epochs, seed))
    return found


def fitted(
    rank: Rank, placement: Placement, hook: str, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor],
    epochs: int, seed: int,
) -> float:  # fmt: skip
    """Accuracy on TEST after so many EPOCHS with one cycle of the rate."""
    torch.manual_seed(seed)
    module = wide()
    network = placement.wrap(module, hook)
    optimizer = torch.optim.AdamW(module.parameters(), fused=True)
    x, y = train
    steps = len(y) // (RANKS * BATCH)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=epochs * steps)
    for _ in range(epochs):
        order = torch.randperm(len(y))[: steps * RANKS * BATCH].view(steps, RANKS, BATCH)[:, rank.rank]
        for rows in order:
            optimizer.zero_grad()
            F.cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
            rates.step()
    module.eval()
    mine = shard_of(len(test[1]), rank)
    with torch.inference_mode():
        right = sum((module(x).argmax(1) == y).sum() for x, y in zip(*(t[mine].split(512) for t in test), strict=True))
    return float(placement.reduce(torch.as_tensor(right).clone())) / len(test[1])


def boosting(rank: Rank, placement: Placement, *, turns: int, table: int, **_: int) -> list[float]:
    """Seconds of 20 rounds of boosting on this rank's rows, one figure a turn; two threads, whoever has them."""
    import xgboost as xgb

    chance = np.random.default_rng(0)
    x = chance.normal(size=(table, 20)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + x[:, 2] > chance.normal(size=table)).astype(np.int64)
    mine, threads, found = shard_of(table, rank), RANKS // rank.world, []
    parameters = {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 7, "nthread": threads}
    with talking(rank):
        matrix = xgb.QuantileDMatrix(x[mine], y[mine], nthread=threads)
        for _ in range(turns + 1):
            booster, begun = xgb.Booster(parameters, [matrix]), time.perf_counter()
            for number in range(20):
                booster.update(matrix, number)
            found.append(time.perf_counter() - begun)
    return found[1:]


WORK = {"efficiency": efficiency, "hooks": hooks, "overlap": overlap, "accuracy": accuracy, "boosting": boosting}


def timed(placement: Placement, body: Callable[[], object]) -> float:
    """Seconds of BODY, begun on all ranks at once."""
    placement.reduce(torch.zeros(1))
    begun = time.perf_counter()
    body()
    return time.perf_counter() - begun


def images(which: str, rows: int) -> tuple[Tensor, Tensor]:
    """The first ROWS of Fashion-MNIST [N, 1, 28, 28] and their classes; where it is not here, made-up ones."""
    if not DATA.exists():
        chance = torch.Generator().manual_seed(rows)
        y = torch.randint(10, (rows,), generator=chance)
        centres = torch.randn(10, 1, 28, 28, generator=torch.Generator().manual_seed(0))
        return centres[y] + 4 * torch.randn(rows, 1, 28, 28, generator=chance), y
    read = {}
    for kind, skip in (("images-idx3", 16), ("labels-idx1", 8)):
        with gzip.open(DATA / f"{which}-{kind}-ubyte.gz") as file:
            read[kind] = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8, offset=skip)
    x = read["images-idx3"].view(-1, 1, 28, 28)[:rows].float() / 255
    return (x - 0.286) / 0.353, read["labels-idx1"][:rows].long()


class Quiet:
    """A context that nobody listens to."""

    def report(self, at: float | None = None, **numbers: float) -> None: ...
    def log(self, message: str) -> None: ...
    def tell(self, **facts: Any) -> None: ...


def advised(options: dict[str, int]) -> list[dict[str, Any]]:
    """What the advisor of this rank's training found about each way to shorten gradients."""
    given = {"epochs": 1, "batch": RANKS * BATCH, "threads": 1, "advise": float(options["advice"])}
    result = fit(cnn(), images("train", options["rows"]), **given)
    told = ("candidate", "share", "bound", "ratio", "decision", "reason")
    return [{key: row[key] for key in told} for row in result.ledger["rows"] if row["kind"] == "A"]


def worker(name: str, options: dict[str, int], out: Path) -> None:
    """One rank, as torchrun would start it."""
    torch.set_num_threads(1)
    if name == "advised":  # finds its own place
        pin(int(os.environ["RANK"]))
        (out / os.environ["RANK"]).write_text(json.dumps(advised(options)))
        return
    context: Context = Quiet()  # type: ignore[assignment]  # all that a rank asks of it
    with present(context) as rank:
        assert rank is not None
        if rank.world > 1:
            pin(rank.rank)
        with placed(rank, device=torch.device("cpu")) as placement:
            (out / str(rank.rank)).write_text(json.dumps(WORK[name](rank, placement, **options)))


def pin(rank: int) -> None:
    """RANK to a core of its own."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[rank % (os.cpu_count() or 1)]})


# -- what is asked --------------------------------------------------------------------------------------------


def ask(name: str, options: dict[str, int], net: netns.Net | None = None, ranks: int = RANKS) -> list[Any]:
    """What WORK[NAME] gives on each rank, in the namespaces of NET or on the loopback."""
    with tempfile.TemporaryDirectory() as folder:
        started = []
        host, port = (net.host(0), netns.PORT) if net else ("127.0.0.1", free_port())
        for rank in range(ranks):
            told = [sys.executable, __file__, "--worker", name, "--options", json.dumps(options), "--out", folder]
            place = {"RANK": rank, "WORLD_SIZE": ranks, "LOCAL_RANK": 0 if net else rank,
                     "LOCAL_WORLD_SIZE": 1 if net else ranks,  # a namespace stands for a machine
                     "MASTER_ADDR": host, "MASTER_PORT": port, "OMP_NUM_THREADS": RANKS // ranks,
                     "GLOO_SOCKET_IFNAME": netns.IFNAME if net else "lo", "TORCH_CPP_LOG_LEVEL": "ERROR"}  # fmt: skip
            environment = {**os.environ, **{name: str(value) for name, value in place.items()}}
            started.append(subprocess.Popen(net.command(rank, *told) if net else told, env=environment))
        try:
            if sum(process.wait(3600) for process in started):  # of all of them
                raise SystemExit(f"{name}: a rank failed")
        finally:
            for process in started:
                process.kill()
        return [json.loads(Path(folder, str(rank)).read_text()) for rank in range(ranks)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def wire(name: str) -> Iterator[tuple[netns.Net | None, dict[str, Any]]]:
    """The wire called NAME, and what a raw copy proved of it."""
    rate = WIRES[name]
    if rate is None:
        yield None, {}
        return
    with netns.Net(RANKS, rate) as net:
        yield net, {"raw copy, Mbit/s": significant(net.prove(), 4)}


def ask_efficiency(options: dict[str, int], name: str) -> dict[str, Any]:
    """Throughput of the exchange over that of the twin, a ratio a round."""
    with wire(name) as (net, proof):
        first, second = ask("efficiency", options, net)
    rates = {k: [1 / a + 1 / b for a, b in zip(first[k], second[k], strict=True)] for k in first}
    return {
        **proof,
        "efficiency": median_and_interval([a / b for a, b in zip(rates["exchange"], rates["twin"], strict=True)]),
        "meeting only": median_and_interval([a / b for a, b in zip(rates["meeting"], rates["twin"], strict=True)]),
        "over a meeting": median_and_interval(
            [a / b for a, b in zip(rates["exchange"], rates["meeting"], strict=True)]
        ),
        "through sockets": median_and_interval([a / b for a, b in zip(rates["sockets"], rates["twin"], strict=True)]),
        "A/A": median_and_interval([a / b for a, b in zip(rates["twin again"], rates["twin"], strict=True)]),
        "rows a second": significant(statistics.median(rates["exchange"]) * BATCH * options["steps"]),
    }


def ask_hooks(options: dict[str, int], name: str) -> dict[str, Any]:
    """Step time by hook: how much shorter than with whole gradients, and how far from what physics allows."""
    with wire(name) as (net, proof):
        found = ask("hooks", options, net)
    rate = proof["raw copy, Mbit/s"] * 1e6 / 8
    seconds = {k: [max(turn) for turn in zip(*(rank[k]["seconds"] for rank in found), strict=True)] for k in HOOKS}
    computing = statistics.median(found[0]["twin"]["seconds"])
    rows: dict[str, Any] = {**proof, "weights": found[0]["numbers"], "seconds computing": significant(computing)}
    whole = wire_bytes(4 * found[0]["numbers"], RANKS)
    for hook in HOOKS:
        sent = statistics.median(found[0][hook]["wire"])
        bound = max(computing, sent / rate)
        median = statistics.median(seconds[hook])
        if median < 0.95 * bound:
            raise SystemExit(
                f"{hook}: {median:.3f} s a step where physics asks for {bound:.3f}: the measurement is wrong"
            )
        rows[hook] = {
            "seconds a step": median_and_interval(seconds[hook]),
            "times faster": median_and_interval([a / b for a, b in zip(seconds["none"], seconds[hook], strict=True)]),
            "MB on the wire": significant(sent / 1e6),
            "share of whole gradients": significant(sent / whole, 3),
            "measured over physics": significant(median / bound, 4),
        }
    return rows


def ask_overlap(options: dict[str, int], name: str) -> dict[str, Any]:
    with wire(name) as (net, proof):
        first, second = ask("overlap", options, net)
    slower = {b: {key: significant(max(first[b][key], second[b][key]), 4) for key in first[b]} for b in first}
    return {**proof, **{f"buckets of {bucket} MiB": found for bucket, found in slower.items()}}


def ask_accuracy(options: dict[str, int]) -> dict[str, Any]:
    found = ask("accuracy", options)[0]
    points = {hook: [100 * value for value in values] for hook, values in found.items()}
    margins = {
        hook: median_and_interval([a - b for a, b in zip(points[hook], points["none"], strict=True)])
        for hook in ("fp16", "powersgd")
    }
    return {
        "data": f"Fashion-MNIST, {options['rows']} rows" if DATA.exists() else "made up",
        "points": {hook: [round(value, 2) for value in values] for hook, values in points.items()},
        "points more than whole gradients": margins,
    }


def ask_advised(options: dict[str, int]) -> dict[str, Any]:
    """The advisor's word on hooks where the wire costs nothing: it must refuse all of them."""
    rows = ask("advised", options)[0]
    refused = [row["candidate"] for row in rows if row["decision"] in ("refused", "skipped")]
    return {"hooks": rows, "all refused": len(rows) == len(refused) == len(HOOKS) - 1}


def ask_boosting(options: dict[str, int]) -> dict[str, Any]:
    """Two workers of one thread against one worker of two, on the same rows."""
    together = [max(turn) for turn in zip(*ask("boosting", options), strict=True)]
    alone = ask("boosting", options, ranks=1)[0]
    return {
        "rows": options["table"],
        "two workers, seconds": median_and_interval(together),
        "one worker of two threads, seconds": median_and_interval(alone),
        "ratio": significant(statistics.median(together) / statistics.median(alone), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--record", default="", metavar="NAME", help="with --only: write a record of this name")
    parser.add_argument("--only", default="", help="efficiency, hooks, overlap, advised, accuracy or boosting")
    for hidden in ("--worker", "--options", "--out"):
        parser.add_argument(hidden, default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        worker(given.worker, json.loads(given.options), Path(given.out))
        return
    options, no_wires = QUICK if given.quick else FULL, netns.why_not()
    if no_wires:
        print(f"no namespaces, so the loopback only: {no_wires}", flush=True)
    asked: dict[str, Callable[[], dict[str, Any]]] = {
        **{f"efficiency, {name}": lambda name=name: ask_efficiency(options, name) for name in WIRES},
        **{f"hooks, {name}": lambda name=name: ask_hooks(options, name) for name in ("1 Gbit", "100 Mbit")},
        "overlap, 100 Mbit": lambda: ask_overlap(options, "100 Mbit"),
        "advised": lambda: ask_advised(options),
        "accuracy": lambda: ask_accuracy(options),
        "boosting": lambda: ask_boosting(options),
    }  # fmt: skip
    figures: dict[str, Any] = {"load before": os.getloadavg()[0], "options": options}
    for name, question in asked.items():
        if not name.startswith(given.only) or (no_wires and name.endswith(("bit", "unlimited"))):
            continue
        figures[name] = question()
        print(name, json.dumps(figures[name]), flush=True)
    if given.quick or (given.only and not given.record):
        return
    note = "ranks of one thread and one core each; float32, seed 0, where nothing else is said"
    note = f"{note}; {no_wires}" if no_wires else note
    question = "what does data parallel on two ranks cost, and what do shorter gradients and two boosting workers gain?"
    write(
        given.record or "parallel",
        question,
        figures,
        ["torch", "xgboost-cpu"],
        f"{note}; {no_wires}" if no_wires else note,
    )


if __name__ == "__main__":
    main()
