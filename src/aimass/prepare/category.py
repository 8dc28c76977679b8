"""Categories: each frequent value gets an index; 0 is every value that training has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Field
from aimass.prepare.arrays import texts
from aimass.prepare.base import Column, Fitted, Preparer

if TYPE_CHECKING:
    from aimass.prepare.graph import Builder

SENT = {"integer": "integer", "number": "number", "boolean": "boolean"}


class Category(Preparer):
    """Values in the order of their frequency; rare ones share index 0 with what was never seen."""

    most: int = knob(1000, 1, 1_000_000, log=True, help="values that get an index of their own")
    rarest: int = knob(3, 1, 1_000_000, log=True, help="rows a value must have to get one")

    def fit(self, column: Column, values: pa.ChunkedArray) -> Fitted:
        """The values worth an index; the missing value ("") is one of them where it occurs."""
        if column.type not in ("text", *SENT):
            raise InputError(
                f"column {column.name} holds {column.type}, not categories",
                expected="texts, numbers or booleans",
                todo='drop it: columns = { NAME = "drop" }',
            )
        counted = pc.value_counts(pa.array(texts(values), pa.string())).to_pylist()
        counted.sort(key=lambda found: (-found["counts"], found["values"]))
        kept = [found["values"] for found in counted if found["counts"] >= self.rarest][: self.most]
        shown = tuple(value for value in kept if value)[:20]
        field = Field(column.name, "string", kind="category", sent=SENT.get(column.type, "string"), values=shown)
        return Fitted(field, {"values": kept})

    @classmethod
    def compile(cls, fitted: Sequence[Fitted], build: Builder) -> None:
        """string [N] each -> int32 [N, columns]"""
        for column in fitted:
            values = column.constants["values"] or [""]
            index = build.op("LabelEncoder", column.field.name, domain="ai.onnx.ml", keys_strings=values,
                             values_int64s=list(range(1, len(values) + 1)), default_int64=0)  # fmt: skip
            build.category(build.column(build.op("Cast", index, to=6)), len(values) + 1)
