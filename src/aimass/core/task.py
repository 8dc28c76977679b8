"""A task is JSON: step, settings, inputs, seed.  Its digest is its identity and all that reuse looks at."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

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
    label: str = field(default="", compare=False)  # told, not hashed

    @cached_property
    def digest(self) -> str:
        return digest_of({name: fact for name, fact in asdict(self).items() if name != "label"})

    @property
    def parents(self) -> list[str]:
        """Digests of every input, in the order of the step's signature."""
        found: list[str] = []
        each(self.inputs, found.append)
        return found

    def to_json(self) -> str:
        return canonical(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


def each(refs: Any, act: Callable[[Any], Any]) -> Any:
    """What ACT makes of every reference in REFS; lists and tables keep their shape, None stays."""
    if isinstance(refs, dict):
        return {key: each(ref, act) for key, ref in refs.items()}
    if isinstance(refs, (list, tuple)):
        return [each(ref, act) for ref in refs]
    return None if refs is None else act(refs)
