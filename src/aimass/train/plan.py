"""What a run of gradient descent will do, decided before its first step: plain data, each field with its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from aimass.core.canonical import digest_of
from aimass.core.errors import InputError
from aimass.train.schedule import factor

# How fast, not what: fields that the advisor may change.
SPEED = ("precision", "layout", "update", "compile", "graphs", "recompute", "tier", "prefetch", "threads", "hook")


@dataclass(frozen=True)
class Origin:
    """Why a field of a plan has its value.

    kind    "default" | "user" | "measured" | "refused"
    ratio   of the step's time without it, to with it; with its interval (LOW, HIGH), where it was measured
    reason  in a sentence, where there is one
    """

    kind: str = "default"
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if value not in (None, "")}


DEFAULT, USER = Origin(), Origin("user")


@dataclass(frozen=True)
class Plan:
    """Every number and choice a run depends on; `origins` says where those come from that are no defaults."""

    rows: int
    batch: int  # rows of a step, over all ranks and micro-batches
    epochs: int
    steps: int  # of an epoch
    seed: int
    accumulate: int = 1  # micro-batches a step
    optimizer: str = "adamw"
    momentum: float = 0.9
    nesterov: bool = False
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    learning_rate: float = 3e-3
    schedule: str = "one-cycle"
    warm_up: float = 0.0  # share of the steps
    decay: float = 0.1  # of the rate, each `decay_every` epochs
    decay_every: int = 30
    weight_decay: float = 0.05
    clip: float = 1.0
    clip_by: str = "norm"
    smoothing: float = 0.0
    average: str = "none"
    average_decay: float = 0.999
    average_from: float = 0.75  # share of the steps after which SWA begins
    sampling: Any = "none"  # "none" | "balanced" | shares of the classes
    patience: int = 5
    minutes: float = 0.0
    precision: str = "fp32"
    layout: str = "contiguous"
    update: str = "fused"
    compile: str = "none"
    graphs: bool = False
    recompute: bool = False
    tier: str = "memory"
    prefetch: bool = False
    threads: int = 2
    hook: str = "none"
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False)

    def rate(self, step: int, epochs: float) -> float:
        """Learning rate at STEP of a run of so many EPOCHS: those of the plan, or fewer where time is short."""
        steps = self.steps * epochs
        times = factor(self.schedule, step, steps, warm_up=self.warm_up, decay=self.decay,
                       decay_every=self.decay_every * self.steps)  # fmt: skip
        return self.learning_rate * times

    def having(self, origin: Origin | None = None, **changes: Any) -> Self:
        """This plan with CHANGES, each for the reason ORIGIN; without one it is a trial and nobody's choice.

        Raises InputError for a field that is not there.
        """
        known = {f.name for f in fields(self)} - {"origins"}
        for name in changes:
            if name not in known:
                raise InputError(f"a plan has no field {name!r}", expected=", ".join(sorted(known)), key=name)
        told = dict.fromkeys(changes, origin) if origin else {}
        return replace(self, **changes, origins={**self.origins, **told})

    def because(self, name: str, origin: Origin) -> Self:
        """This plan, the field NAME left as it is for the reason ORIGIN (an acceleration that was refused)."""
        return replace(self, origins={**self.origins, name: origin})

    def values(self) -> dict[str, Any]:
        """Every field but the origins, as JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "origins"}

    def as_json(self) -> dict[str, Any]:
        """Fields with the origins of those that are no defaults; `from_json` gives the plan back."""
        return {**self.values(), "origins": {name: origin.as_json() for name, origin in self.origins.items()}}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        origins = {name: Origin(**fact) for name, fact in told.get("origins", {}).items()}
        return cls(**{**told, "origins": origins})

    @property
    def digest(self) -> str:
        """Of the values: why they are as they are changes nothing."""
        return digest_of(self.values())
