"""The contract of a wrapper: a predictor in, a predictor of the same shape out.

Logging, guarding, canaries: each stands around the model without knowing the other, or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from aimass.core.part import Part
from aimass.core.signature import Signature
from aimass.engines.base import Predictor


@dataclass
class Surroundings:
    """What a wrapper may know of the model it stands around, and where it leaves its duties.

    log_to   the folder for logs, None when nothing is to be logged
    at_stop  called once after the last answer, in order
    health   each gives facts worth saying at the health path; empty when all is well
    live     numbers that may change while it serves, by name: who uses one reads it each time
    """

    name: str
    version: str  # "" for an artifact that was never published
    signature: Signature
    log_to: Path | None = None
    at_stop: list[Callable[[], None]] = field(default_factory=list)
    health: list[Callable[[], dict[str, Any]]] = field(default_factory=list)
    live: dict[str, float] = field(default_factory=dict)


class Wrapper(Part):
    """Stands around a predictor."""

    family: ClassVar[str] = "wrapper"

    def wrap(self, predictor: Predictor, context: Surroundings) -> Predictor:
        """A predictor around PREDICTOR, called by one thread at a time; `batch.base.under_way` are those who asked."""
        raise NotImplementedError
