"""The thread through the whole product: what a caller sends, what the network sees, what comes out.

Written by `prepare`, read by `Architecture.build`, kept with the model, checked at the endpoint.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Task = Literal["binary", "multiclass", "regression"]
Kind = Literal["number", "category", "text", "date", "image", "identifier", "constant"]


@dataclass(frozen=True)
class Field:
    """One named array; its first axis, the rows, is never part of `shape`.

    dtype  numpy name, "string" for text
    shape  of one row; () is a scalar, so the array is [N]
    unit   what the number counts ("us since 1970-01-01 UTC"), where it counts something
    kind   how `prepare` treats a raw column: number, category, text, date, image
    sent   what a caller writes in JSON: number, integer, string, boolean, date, image
    values the class names of an output label; a few examples for a raw category
    sizes  for an integer tensor: how many distinct indices each of its columns may hold
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    unit: str = ""
    kind: str = ""
    sent: str = ""
    values: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Only what is said; empty facts are left out."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items() if v}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Field:
        known = {f.name for f in fields(cls)}
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items() if k in known}
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
        return {
            "task": self.task,
            "target": self.target,
            "rows": [f.as_json() for f in self.rows],
            "inputs": [f.as_json() for f in self.inputs],
            "outputs": [f.as_json() for f in self.outputs],
        }

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Signature:
        return cls(
            task=facts["task"],
            target=facts["target"],
            rows=tuple(Field.from_json(f) for f in facts["rows"]),
            inputs=tuple(Field.from_json(f) for f in facts["inputs"]),
            outputs=tuple(Field.from_json(f) for f in facts["outputs"]),
        )
