"""The same sums in the same order: what makes two runs of one task give the same bytes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import deterministic

from aimass.core.errors import InputError

REFUSED = "does not have a deterministic implementation"  # in the text of torch's RuntimeError, behind the operation


@contextmanager
def reproducible(threads: int, seed: int) -> Iterator[None]:
    """Deterministic kernels, THREADS threads and a seeded generator of torch inside; all as before behind.

    Holds on one kind of processor and one torch: other vector units and versions round otherwise.  Raises InputError
    for an operation whose result depends on who comes first.
    """
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state()
    filling: bool = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]  # torch makes it by hand
    torch.set_num_threads(threads)
    _deterministic(True)
    # Filling costs a pass over each new tensor.
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.manual_seed(seed)
    try:
        yield
    except RuntimeError as error:
        operation, refused, _ = str(error).partition(REFUSED)
        if not refused:
            raise
        raise InputError(
            f"{operation.strip()} adds up in another order each time on this device, so no run could be repeated",
            expected="operations with a deterministic implementation (torch.use_deterministic_algorithms lists them)",
            todo='replace it in the network or the loss, or train on the processor (device = "cpu")',
            key="model",
        ) from error
    finally:
        torch.set_num_threads(before[0])
        _deterministic(before[1])
        torch.set_rng_state(before[2])
        deterministic.fill_uninitialized_memory = filling  # type: ignore[attr-defined]


def _deterministic(on: bool) -> None:
    """As `torch.use_deterministic_algorithms`, which would import the compiler to tell it, too: a second and a half."""
    if "torch._inductor" in sys.modules:
        torch.use_deterministic_algorithms(on)
    else:
        torch._C._set_deterministic_algorithms(on, warn_only=False)


def device_here() -> torch.device:
    """Where a single worker computes."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
