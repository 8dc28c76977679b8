"""What the ranks of `test_shared` do."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from aimass.runner.gang import Rank
from aimass.train.parallel import shared
from aimass.train.parallel.base import Placement
from aimass.train.parallel.group import placed

KINDS = (torch.float32, torch.float64, torch.bfloat16, torch.int64)
NAMED = f"/memfd:{shared.NAME}"
LONG = shared.SLOT // 4 + 5  # float32s that need a second turn


def numbers(rank: int, count: int) -> torch.Tensor:
    """Whole ones, whose sums every type holds."""
    return (torch.arange(count) + rank) % 7


def sums(rank: Rank) -> dict[str, Any]:
    """Whether what this rank read, type by type, is the sum of what all handed over; and what else it saw."""
    torch.set_num_threads(1)
    with placed(rank) as placement:
        found = inside(rank, placement)
    gc.collect()
    return {**found, "left": [name for name in map(target, Path("/proc/self/fd").iterdir()) if NAMED in name]}


def inside(rank: Rank, placement: Placement) -> dict[str, Any]:
    seen: Any = placement.shared  # type: ignore[attr-defined]
    across = torch.arange(2.0 * LONG).view(2, LONG).t()
    return {
        "used": changes(seen, lambda: placement.reduce(torch.zeros(50_000))),
        "right": {str(kind): right(placement, rank, kind) for kind in KINDS},
        "strided": bool((placement.reduce(across) == across * rank.world).all()),
        "gradients": gradients(placement, seen, rank),
        "others": others(rank),
    }


def right(placement: Placement, rank: Rank, kind: torch.dtype) -> bool:
    expected = sum(numbers(other, LONG) for other in range(rank.world))
    return bool((placement.reduce(numbers(rank.rank, LONG).to(kind)) == expected.to(kind)).all())


def gradients(placement: Placement, seen: Any, rank: Rank) -> dict[str, Any]:
    """How far those of a layer larger than a slot are from the mean, before and after torch lays its buckets out."""
    layer = nn.Linear(1200, 1100)
    network = placement.wrap(layer)
    errors = []

    def step() -> None:
        layer.zero_grad()
        network(torch.full((1, 1200), float(3 * rank.rank))).sum().backward()
        assert layer.weight.grad is not None
        errors.append(float((layer.weight.grad - 3.0).abs().max()))  # the mean of 0, 3 and 6

    used = changes(seen, step)
    step()
    hook = type(placement.hook).__name__  # type: ignore[attr-defined]
    return {"hook": hook, "error": [round(error, 5) for error in errors], "used": used}


def changes(seen: Any, body: Callable[[], object]) -> bool:
    """Whether BODY goes through the memory."""
    calls = []
    with patch.object(seen, "_meet", lambda meet=seen._meet: (calls.append(1), meet())):
        body()
    return bool(calls)


def others(rank: Rank) -> dict[str, bool]:
    """Whether ranks that cannot all see one memory share one nevertheless."""
    two_machines = shared.shared_by(replace(rank, peers=1)) is not None
    with patch.object(shared, "_made", lambda size, token: -1):
        none_made = shared.shared_by(rank) is not None
    with patch.object(shared, "_mapped", (lambda *told: None) if rank.rank else shared._mapped):
        one_blind = shared.shared_by(rank) is not None
    return {"two machines": two_machines, "none made": none_made, "one blind": one_blind}


def target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # the list's own, closed by now
        return ""
