"""A task is JSON: step, settings, inputs, seed.  Its digest is its identity and all that reuse looks at."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aimass.core.canonical import canonical, digest_of

Ref = str | list[str] | dict[str, str] | None


@dataclass(frozen=True)
class Task:
    """One run of one step.  `inputs` are digests; place and name (`on`, `save_as`) are no part of it."""

    step: str
    revision: int
    settings: dict[str, Any]
    inputs: dict[str, Ref]
    seed: int = 0
    # Told, not hashed:
    label: str = field(default="", compare=False)

    @cached_property
    def digest(self) -> str:
        return digest_of(
            {
                "step": self.step,
                "revision": self.revision,
                "settings": self.settings,
                "inputs": self.inputs,
                "seed": self.seed,
            }
        )

    @property
    def parents(self) -> list[str]:
        """Digests of every input, in the order of the step's signature."""
        found: list[str] = []
        for ref in self.inputs.values():
            if isinstance(ref, str):
                found.append(ref)
            elif isinstance(ref, list):
                found.extend(ref)
            elif isinstance(ref, dict):
                found.extend(ref.values())
        return found

    def to_json(self) -> str:
        facts = {k: getattr(self, k) for k in ("step", "revision", "settings", "inputs", "seed", "label")}
        return canonical(facts)

    @classmethod
    def from_json(cls, text: str) -> Task:
        return cls(**json.loads(text))
