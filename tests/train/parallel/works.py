"""What the ranks of the tests do: several experiments in one gang, because starting one costs seconds."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from aimass.runner.gang import Rank
from aimass.train.parallel.base import Placement
from aimass.train.parallel.ddp import DataParallel
from aimass.train.parallel.exposed import communication
from aimass.train.parallel.group import placed

ROWS, CLASSES, WIDTH = 64, 5, 7
SHAPES = {"matrix": (24, 30), "wide": (20, 40), "small": (3, 4), "vector": (11,), "kernel": (16, 12, 3, 3)}
TINY = 0.001  # MiB: a bucket for nearly every weight


def classifier(seed: int = 0) -> nn.Sequential:
    """No batch statistics: rows do not know of each other."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(WIDTH, 9), nn.LayerNorm(9), nn.GELU(), nn.Linear(9, CLASSES))


def batch(masked: list[int]) -> tuple[Tensor, Tensor]:
    """Rows [64, 7] and their classes [64]; those MASKED do not count."""
    chance = torch.Generator().manual_seed(1)
    target = torch.randint(CLASSES, (ROWS,), generator=chance)
    target[masked] = -100
    return torch.randn(ROWS, WIDTH, generator=chance), target


def gradients(
    placement: Placement, parts: int, masked: list[int], module: nn.Module | None = None
) -> dict[str, Tensor]:
    """Of a step by hand: this rank's rows of the batch, in so many PARTS."""
    module = module or classifier()
    network = placement.wrap(module)
    rows, target = (t.tensor_split(placement.world)[placement.rank] for t in batch(masked))
    count = float(placement.reduce((target != -100).sum()))
    pieces = list(zip(rows.tensor_split(parts), target.tensor_split(parts), strict=True))
    for i, (x, y) in enumerate(pieces):
        with placement.sync_context(i == parts - 1):
            loss = F.cross_entropy(network(x), y, reduction="sum") * (placement.world / count)
            loss.backward()
    return {name: weight.grad.clone() for name, weight in module.named_parameters()}


class Told(nn.Module):
    """Weights whose gradients are what one says they are."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterDict({name: nn.Parameter(torch.zeros(shape)) for name, shape in SHAPES.items()})

    def forward(self, wanted: dict[str, Tensor]) -> Tensor:
        return sum((weight * wanted[name]).sum() for name, weight in self.weights.items())


def told(rank: int, step: int, scale: float = 1.0) -> dict[str, Tensor]:
    chance = torch.Generator().manual_seed(1000 * step + rank)
    return {name: scale * torch.randn(shape, generator=chance) for name, shape in SHAPES.items()}


class Exchange:
    """A network whose gradients are told, and what came of them."""

    def __init__(self, hook: str, bucket: float = 0.0, **options: Any) -> None:
        self.placement = DataParallel(torch.device("cpu"), bucket=bucket, **options)
        self.module = Told()
        self.network = self.placement.wrap(self.module, hook)

    def __call__(self, wanted: dict[str, Tensor]) -> dict[str, Tensor]:
        for weight in self.module.parameters():
            weight.grad = None
        self.network(wanted).backward()
        return {name: weight.grad.clone() for name, weight in self.module.weights.items()}


def flat(tensors: dict[str, Tensor]) -> list[float]:
    return torch.cat([tensors[name].flatten() for name in sorted(tensors)]).tolist()


def mean_of(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}


def experiments(rank: Rank, *, folder: str, cases: list[dict[str, Any]]) -> dict[str, Any]:
    """All of them, by name."""
    torch.set_num_threads(1)
    with placed(rank) as placement:
        return {
            "gradients": [flat(gradients(placement, case["parts"], case["masked"])) for case in cases],
            "replicas": replicas(rank.rank),
            "buffers": buffers(rank.rank),
            "local": local_gradients(rank.rank),
            "rounded": {hook: rounded(hook, rank.rank) for hook in ("none", "fp16", "bf16")},
            "infinite": infinite(rank.rank),
            "feedback": feedback(rank.rank),
            "reference": reference(rank.rank),
            "resumed": {hook: resumed(hook, rank.rank, Path(folder)) for hook in ("fp16", "powersgd")},
            "bytes": {hook: sent(hook, rank.rank) for hook in ("fp16", "bf16", "powersgd")},
            "seconds": list(seconds(placement)),
        }


def replicas(rank: int) -> dict[str, Any]:
    """Weights and running statistics of a rank that began with others."""
    module = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    nn.init.constant_(module[0].weight, float(rank + 1))
    placement = DataParallel(torch.device("cpu"))
    network = placement.wrap(module)
    begun = module[0].weight.tolist()
    torch.manual_seed(rank)
    for _ in range(3):
        network(torch.randn(8, 4)).sum().backward()
    apart = module[1].running_mean.tolist()
    states = placement.gather_state()
    keys = sorted(module.state_dict())
    return {
        "begun": begun,
        "apart": apart,
        "after": module[1].running_mean.tolist(),
        "keys": keys,
        "state": len(states),
    }


KINDS = (torch.bool, torch.int64, torch.bfloat16, torch.uint8, torch.float64, torch.complex64)


def buffers(rank: int) -> dict[str, Any]:
    """Buffers of all types once the state is gathered, of a module that could not be sent; and how many messages."""
    module = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    module.lock, module.double = threading.Lock(), lambda x: 2 * x
    for i, kind in enumerate(KINDS):
        module.register_buffer(f"buffer{i}", torch.zeros(2 * i + 1).to(kind))
    module.register_buffer("image", torch.zeros(2, 3, 2, 2).to(memory_format=torch.channels_last))
    placement = DataParallel(torch.device("cpu"))
    placement.wrap(module)(torch.ones(8, 4)).sum().backward()
    for i, value in enumerate(module.buffers()):
        value.copy_(torch.arange(value.numel()).view(value.shape) + i + 50 * rank)
    messages, inner = [], dist.broadcast

    def counting(value: Tensor, source: int) -> None:
        messages.append(value.nbytes)
        inner(value, source)

    dist.broadcast = counting
    try:
        placement.gather_state(whole=False)
    finally:
        dist.broadcast = inner
    expected = [(torch.arange(b.numel()).view(b.shape) + i).to(b.dtype) for i, b in enumerate(module.buffers())]
    same = [value.equal(want) for value, want in zip(module.buffers(), expected, strict=True)]
    return {"same": same, "messages": messages, "bytes": sum(value.nbytes for value in module.buffers())}


def local_gradients(rank: int) -> dict[str, Any]:
    """Of a micro-batch that is not the last, and the sum that the last one exchanges."""
    exchange = Exchange("none")
    wanted = told(rank, 0)
    with exchange.placement.sync_context(False):
        alone = exchange(wanted)
    exchange.network(told(rank, 1)).backward()
    both = {name: weight.grad for name, weight in exchange.module.weights.items()}
    expected = mean_of([{name: told(r, 0)[name] + told(r, 1)[name] for name in SHAPES} for r in (0, 1)])
    return {
        "alone": flat(alone) == flat(wanted),
        "error": max(float((both[name] - expected[name]).abs().max()) for name in SHAPES),
    }


def rounded(hook: str, rank: int) -> dict[str, float]:
    """Largest error of a third step, over the largest gradient, for gradients of several sizes."""
    found = {}
    for scale in (1e-9, 1e-3, 1.0, 1e6):
        exchange = Exchange(hook, TINY)
        for step in (0, 1):
            exchange(told(rank, step, scale))
        got, expected = exchange(told(rank, 2, scale)), mean_of([told(r, 2, scale) for r in (0, 1)])
        error = max(float((got[name] - expected[name]).abs().max()) for name in SHAPES)
        found[str(scale)] = error / max(float(value.abs().max()) for value in expected.values())
    return found


def infinite(rank: int) -> dict[str, Any]:
    """What the ranks get when one has an infinite gradient, or one too large for float16, and in the step after."""
    exchange, wanted = Exchange("fp16"), told(rank, 0)
    if rank:
        wanted["vector"][3] = torch.inf
    bad = exchange(wanted)
    first = Exchange("fp16")(told(rank, 1, 1e6))
    after = exchange(told(rank, 1))
    expected = mean_of([told(r, 1) for r in (0, 1)])
    return {
        "bad": not all(torch.isfinite(value).all() for value in bad.values()),
        "large": all(torch.isfinite(value).all().item() for value in first.values()),
        "after": max(float((after[name] - expected[name]).abs().max()) for name in SHAPES),
    }


def feedback(rank: int) -> dict[str, Any]:
    """PowerSGD: gradients asked for and got, summed over the steps; and what a step that is not finite leaves."""
    exchange = Exchange("powersgd", TINY, low_rank=1, dense_steps=2)
    asked, got = ({name: torch.zeros(shape) for name, shape in SHAPES.items()} for _ in range(2))
    for step in range(30):
        out = exchange(told(rank, step))
        for name, mean in mean_of([told(r, step) for r in (0, 1)]).items():
            asked[name] += mean
            got[name] += out[name]
    hook = exchange.placement.hook
    assert hook is not None
    left = {name.removeprefix("error.weights."): value for name, value in hook.mine().items()}
    mean_left = {name: exchange.placement.reduce(value) / 2 for name, value in left.items()}
    bad = told(rank, 99)
    bad["matrix"][2, 3] = torch.nan
    seen = not torch.isfinite(exchange(bad)["matrix"]).all()
    kept = hook.mine()["error.weights.matrix"]
    return {
        "asked": {name: value.tolist() for name, value in asked.items()},
        "got": {name: value.tolist() for name, value in got.items()},
        "left": {name: value.tolist() for name, value in mean_left.items()},
        "seen": seen,
        "kept": torch.equal(kept, left["matrix"]),
    }


def reference(rank: int) -> list[list[list[float]]]:
    """Gradients of a matrix by our PowerSGD and by torch's, from the same first Q, in one bucket."""
    from torch.distributed.algorithms.ddp_comm_hooks.powerSGD_hook import PowerSGDState, powerSGD_hook
    from torch.nn.parallel import DistributedDataParallel

    shape, low_rank = (24, 30), 3
    modules = [nn.Linear(shape[1], shape[0], bias=False) for _ in range(2)]
    theirs = DistributedDataParallel(modules[1])
    state = PowerSGDState(None, low_rank, start_powerSGD_iter=2)
    theirs.register_comm_hook(state, powerSGD_hook)
    placement = DataParallel(torch.device("cpu"), low_rank=low_rank, dense_steps=2)
    networks = [placement.wrap(modules[0], "powersgd"), theirs]
    import numpy as np

    torch.manual_seed(np.random.RandomState(0).randint(1_000_000_000))
    placement.hook.q["weight"] = torch.randn(1, shape[1], low_rank)[0]  # type: ignore[union-attr]
    last: list[list[list[float]]] = []
    for step in range(6):
        wanted, last = told(rank, step)["matrix"], []
        for network, module in zip(networks, modules, strict=True):
            module.weight.grad = None
            (network(torch.eye(shape[1])).T * wanted).sum().backward()
            last.append(module.weight.grad.tolist())
    return last


def resumed(hook: str, rank: int, folder: Path) -> dict[str, Any]:
    """Gradients after a resume in the middle, and without one."""
    options = {"low_rank": 2, "dense_steps": 2}
    whole, before, after = (Exchange(hook, TINY, **options) for _ in range(3))
    for step in range(5):
        for exchange in (whole, before):
            exchange(told(rank, step))
    tensors = before.placement.gather_state()
    if rank == 0:
        save_file({name: value.contiguous().clone() for name, value in tensors.items()}, folder / hook)
    before.placement.reduce(torch.zeros(1))
    after.placement.load_state({**load_file(folder / hook), "module.x": torch.zeros(1)})
    same = [flat(after(told(rank, step))) == flat(whole(told(rank, step))) for step in range(5, 8)]
    return {"same": same, "keys": sorted(tensors)}


def sent(hook: str, rank: int) -> int:
    exchange = Exchange(hook, low_rank=1, dense_steps=0)
    exchange(told(rank, 0))
    assert exchange.placement.hook is not None
    return exchange.placement.hook.sent


def seconds(placement: Placement) -> Any:
    module = classifier()
    network = placement.wrap(module)
    rows, target = batch([])
    return communication(placement, lambda: F.cross_entropy(network(rows), target).backward(), 1000, rounds=2)


def dies(rank: Rank) -> None:
    """Rank 1 is killed in the middle of a backward pass, while rank 0 waits for its gradients."""
    with placed(rank) as placement:
        network = placement.wrap(classifier())
        rows, _ = batch([])
        for step in range(3):
            out = network(rows).sum()
            if step == 2 and rank.rank == 1:
                out.register_hook(lambda gradient: os.kill(os.getpid(), signal.SIGKILL))
            out.backward()
