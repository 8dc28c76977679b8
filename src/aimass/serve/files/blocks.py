"""The contract of what is read: rows of files a block at a time, each with the place where it stands.

A block gives values as a caller of the endpoint would send them, so that a file is read as strictly as a request.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from aimass.core.errors import InputError, suggest
from aimass.core.signature import Field

HEAVY = 16 << 20  # bytes of a block, about, where rows are wide
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Bad:
    """A row that cannot be read: where it stands, why, and what it is (JSON)."""

    file: str
    line: int  # counted from 1; 0 where a file is one row
    reason: str
    row: Any
    expected: str = ""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def as_json(self) -> dict[str, Any]:
        return {"file": self.file, "line": self.line, "reason": self.reason, "row": self.row}


class Block(ABC):
    """Some rows of FILE, those at LINES; and rows that are none, MALFORMED."""

    def __init__(self, file: Path, lines: Sequence[int], malformed: Sequence[Bad] = ()) -> None:
        self.file, self.lines, self.malformed = file, lines, malformed

    def __len__(self) -> int:
        return len(self.lines)

    @abstractmethod
    def take(self, rows: Sequence[int]) -> Self:
        """Only ROWS of it, counted from 0."""

    @abstractmethod
    def tensors(self, fields: Sequence[Field]) -> Arrays:
        """The columns FIELDS.  Raises InputError as the endpoint would, when any row is wrong."""

    @abstractmethod
    def sent(self, name: str, field: Field | None) -> list[Any]:
        """The column NAME as a caller would send it (JSON); FIELD is what the model knows of it."""

    @abstractmethod
    def raw(self, row: int) -> Any:
        """The row as it came (JSON)."""

    def came(self, name: str, field: Field | None) -> list[Any]:
        """The column NAME as it came: text stays the text it was."""
        return self.sent(name, field)

    def arrow(self, name: str, field: Field | None, kind: pa.DataType, tensors: Arrays) -> pa.Array:
        """The column NAME as Arrow's KIND; TENSORS are what was read of the block."""
        if field is not None and field.sent == "date" and pa.types.is_timestamp(kind):
            return pa.array(tensors[name].astype("datetime64[us]"), kind)  # the smallest number is not a time
        return as_arrow(name, self.sent(name, field), kind)

    def bad(self, row: int, error: InputError) -> Bad:
        """Why the ROW cannot be read."""
        reason = error.what.removeprefix("record 0: ").removeprefix("record 0 ")
        return Bad(str(self.file), self.lines[row], reason, self.raw(row), error.expected)


@dataclass
class Judged:
    """A block without its bad rows, and these."""

    block: Block
    tensors: Arrays
    bad: list[Bad] = field(default_factory=list)


def judged(block: Block, fields: Sequence[Field]) -> Judged:
    """BLOCK read as FIELDS; row by row only where something is wrong."""
    try:
        return Judged(block, block.tensors(fields), list(block.malformed))
    except InputError:
        pass  # of which rows is found out now
    good, bad = [], list(block.malformed)
    for row in range(len(block)):
        try:
            block.take([row]).tensors(fields)
            good.append(row)
        except InputError as error:
            bad.append(block.bad(row, error))
    left = block.take(good)
    return Judged(left, left.tensors(fields), sorted(bad, key=lambda found: found.line))


class Reader(ABC):
    """Reads FILES.  `at` is the number of the one that is being read, `position` how many bytes of it were."""

    at = position = 0

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files
        self.wanted: list[str] = []  # the columns that are read or kept

    def check_names(self, file: Path, names: Sequence[str]) -> None:
        """Raises InputError when FILE, whose columns are NAMES, lacks one that is wanted."""
        lacks = [name for name in self.wanted if name not in names]
        if lacks:
            listed = ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
            raise InputError(f"{file} has no column {lacks[0]!r}{suggest(lacks[0], names)}", expected=f"of: {listed}",
                             todo="rename the column, or add it; empty cells are missing values", key=lacks[0]
                             )  # fmt: skip

    @abstractmethod
    def names(self) -> list[str]:
        """The columns that are kept when none are named, as far as the beginning of the first file tells."""

    def all_names(self) -> list[str]:
        """Every column there is."""
        return self.names()

    @abstractmethod
    def blocks(self, file: Path, rows: int) -> Iterator[Block]:
        """FILE in blocks of ROWS rows at most.  Raises InputError when it cannot be read on."""

    def kind(self, name: str, field: Field | None) -> pa.DataType:
        """The type in which Parquet keeps the column NAME."""
        return KINDS.get(field.sent, pa.string()) if field is not None else pa.string()


KINDS = {
    "number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "date": pa.timestamp("us", "UTC"),
}  # fmt: skip


def as_arrow(name: str, values: list[Any], kind: pa.DataType) -> pa.Array:
    """VALUES (JSON) as KIND; what is no text is spelled as JSON where text is wanted.  Raises InputError."""
    from aimass.collect.values import as_json

    if pa.types.is_string(kind):
        return pa.array([v if v is None or isinstance(v, str) else as_json(v) for v in values], kind)
    convert: Callable[[Any], Any] = {pa.int64(): int, pa.float64(): float}.get(kind, _same)
    try:
        return pa.array([None if v is None else convert(v) for v in values], kind)
    except (pa.ArrowException, OverflowError) as error:
        raise InputError(f"column {name!r} does not fit into {kind}: {error}", expected=f"values of {kind}",
                         todo="keep other columns, or write CSV or JSON lines") from error  # fmt: skip


def _same(value: Any) -> Any:
    return value
