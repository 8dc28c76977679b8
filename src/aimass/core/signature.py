"""The thread through the whole product: what a caller sends, what the network sees, what comes out.

Written by `prepare`, read by `Architecture.build`, kept with the model, checked at the endpoint.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

Task = Literal["binary", "multiclass", "regression", "other"]  # other: answers under names of their own
GROUPS = ("rows", "inputs", "outputs")


@dataclass(frozen=True)
class Field:
    """One named array; its first axis, the rows, is never part of `shape`."""

    name: str
    dtype: str  # numpy name, "string" for text
    shape: tuple[int, ...] = ()  # of one row; () is a scalar, so the array is [N]
    unit: str = ""  # what the number counts ("us since 1970-01-01 UTC"), where it counts something
    kind: str = ""  # how `prepare` treats a raw column: number, category, text, date, image
    sent: str = ""  # what a caller writes in JSON: number, integer, string, boolean, date, image, tensor
    values: tuple[str, ...] = ()  # the class names of an output label; a few examples for a raw category
    sizes: tuple[int, ...] = ()  # of an integer tensor: how many distinct indices each of its columns may hold

    def as_json(self) -> dict[str, Any]:
        """Only what is said; empty facts are left out."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items() if v}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        known = [f.name for f in fields(cls) if f.name in facts]
        given: dict[str, Any] = {n: tuple(facts[n]) if isinstance(facts[n], list) else facts[n] for n in known}
        return cls(**given)


@dataclass(frozen=True)
class Signature:
    """rows: what a caller sends;  inputs: what the network sees;  outputs: what comes back."""

    task: Task
    target: str
    rows: tuple[Field, ...]
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in index order; empty for regression."""
        return next((f.values for f in self.outputs if f.name == "label"), ())

    @property
    def width(self) -> int:
        """Columns of the network's `scores`: 1 for binary and regression, else one a class."""
        return len(self.classes) if self.task == "multiclass" else 1

    def as_json(self) -> dict[str, Any]:
        groups = {group: [field.as_json() for field in getattr(self, group)] for group in GROUPS}
        return {"task": self.task, "target": self.target, **groups}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        groups = {group: tuple(Field.from_json(field) for field in facts[group]) for group in GROUPS}
        return cls(task=facts["task"], target=facts["target"], **groups)
