"""What the advisor needs of training: something that builds a plan, and what it built.

A trial sets its global switches (threads, precision of products) when one of its methods is entered, because trials
take turns.  Chance inside the network (dropout) is off in `losses` and `gradients`: masks drawn in another order are
no error, and the guards would take them for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from aimass.train.plan import Plan

Phase = Callable[[int], None]  # does its work so many times; the device is synchronised when it returns


class Trial(Protocol):
    """A plan that was built: it can be timed and compared."""

    setup_seconds: float  # what building cost beyond what every plan pays (compilation)
    peak_bytes: int  # of the device's memory; 0: unknown

    def steps(self, count: int) -> None:
        """Run COUNT training steps on real batches, several and cycled; the device is synchronised at the end."""

    def losses(self, count: int) -> list[float]:
        """Losses of COUNT steps from the same fresh weights on the same batches, whatever ran before."""

    def gradients(self) -> dict[str, Tensor]:
        """Gradients of one step from the same fresh weights on the same rows, by the parameter's name."""

    def phases(self) -> dict[str, Phase]:
        """Parts of a step: "data", "copy", "forward", "backward" (with its forward), "update", "step"; "sync" (the
        exposed communication) where there are ranks."""

    def close(self) -> None:
        """Give the memory back."""


@runtime_checkable
class Scaled(Protocol):
    """A trial whose loss is scaled (fp16): it also knows which updates of the last `losses` were skipped."""

    skipped: list[bool]


class Bench(Protocol):
    """The network, rows and plan to be advised on.

    Facts, all optional: device ("cpu", "cuda"), cores, flags (of the processor), capability (of the GPU, (9, 0)),
    has_convolutions, unsafe_layout (why channels last must not be), has_batch_norm, has_compiler, dynamic_shapes,
    optimizer, ranks, data_bytes, host_bytes (free memory of the host), memory_bytes (of the device), planned_steps,
    planned_seconds (0: no limit), compile_seconds and fresh_seconds (what compiling and starting a fresh process
    usually cost).
    """

    plan: Plan  # the safe baseline
    facts: Mapping[str, Any]

    def build(self, plan: Plan) -> Trial:
        """Raises AimassError or RuntimeError for what this plan cannot do here."""

    def fresh(self) -> list[str] | None:
        """Command line of a fresh process that calls `confirm.answer` on this bench; None where it has none."""
