"""The contract of a preparer: raw values of the training rows in, constants out, and the nodes that apply them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from aimass.core.part import Part
from aimass.core.signature import Field
from aimass.prepare.affine import Affine

if TYPE_CHECKING:
    from aimass.prepare.graph import Builder


@dataclass(frozen=True)
class Column:
    """A raw column: its NAME, the TYPE that the dataset's contract gives it, an image's SHAPE (H, W, C)."""

    name: str
    type: str
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Fitted:
    """A column's place in the signature, and what was learnt from its training rows (plain JSON values).

    The field's name is the column's; its dtype, shape and `sent` say how a raw value is read.
    """

    field: Field
    constants: dict[str, Any]


class Preparer(Part):
    """Turns columns of one kind into tensors.  What it learns is constants; what it does is ONNX nodes only."""

    family: ClassVar[str] = "preparer"

    def fit(self, column: Column, values: pa.ChunkedArray) -> Fitted:
        """Learn from VALUES, the training rows of COLUMN as the dataset has them (nulls are missing).

        Raises InputError when they are not of this kind.
        """
        raise NotImplementedError

    @classmethod
    def compile(cls, fitted: Sequence[Fitted], build: Builder) -> None:
        """Add the nodes for all columns of this kind, and hand what they give to BUILD.

        Every row must come out the same alone and in any batch: no operator that looks across rows, none whose
        vectorised form rounds otherwise.
        """
        raise NotImplementedError

    @classmethod
    def as_bytes(cls, fitted: Sequence[Fitted]) -> dict[str, tuple[str, Affine]]:
        """Tensors that the training cache may keep as bytes: their names, the uint8 column [N, ..., C] each is made of,
        and what the graph makes of it once its channels come first.  {}: none.
        """
        return {}
