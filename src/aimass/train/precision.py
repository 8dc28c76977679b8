"""Fewer bits where they pay: automatic mixed precision (Micikevicius et al. 2017, arXiv 1710.03740)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
FIRST_SCALE, GROW, SHRINK, GROW_EVERY = 2.0**16, 2.0, 0.5, 2000


def autocast(precision: str, device: torch.device, *, cache: bool = True) -> AbstractContextManager[object]:
    """The context of a forward pass; made once, entered at each step.  CACHE=False: no graph may hold cached casts."""
    if precision not in DTYPES:
        return nullcontext()
    return torch.autocast(device.type, DTYPES[precision], cache_enabled=cache)


@contextmanager
def matrix_precision(precision: str, device: torch.device) -> Iterator[None]:
    """Inside, float32 products on CUDA use TensorFloat-32 when PRECISION is "tf32"; full float32 else."""
    if device.type != "cuda":
        yield
        return
    backends = torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]
    before = [backend.fp32_precision for backend in backends]
    for backend in backends:
        backend.fp32_precision = "tf32" if precision == "tf32" else "ieee"
    try:
        yield
    finally:
        for backend, old in zip(backends, before, strict=True):
            backend.fp32_precision = old


class Scaler:
    """Keeps half-precision gradients away from zero: the loss is multiplied, the gradients divided again.

    All of it stays on the device; a step whose gradients overflow is skipped and the factor halved.
    """

    def __init__(self, device: torch.device) -> None:
        self.scale = torch.full((), FIRST_SCALE, device=device)
        self.good_steps = torch.zeros((), dtype=torch.int32, device=device)

    def unscale(self, gradients: list[Tensor], bad: Tensor) -> None:
        """Divide GRADIENTS by the factor, in place; BAD (float32 scalar) becomes 1 when one is not finite."""
        torch._amp_foreach_non_finite_check_and_unscale_(gradients, bad, self.scale.reciprocal())

    def adapt(self, bad: Tensor) -> None:
        """A smaller factor after a BAD step, a larger one after many good ones."""
        torch._amp_update_scale_(self.scale, self.good_steps, bad, GROW, SHRINK, GROW_EVERY)

    def tensors(self) -> dict[str, Tensor]:
        return {"scale": self.scale, "good_steps": self.good_steps}
