"""The contract of a collector: a generator and a cursor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import pyarrow as pa

from aimass.core.part import Part

MALFORMED = "_malformed"  # string column: why the row could not be read; null for a good row
RAW = "_raw"  # string column: the row as it came, kept for malformed rows only


@dataclass(frozen=True)
class Cursor:
    """A position in the source.  Everything yielded before it becomes one commit that carries it.

    value    any JSON; handed to `read` next time
    replace  true when these rows replace all earlier ones (a changed file), in the same commit
    """

    value: Any
    replace: bool = False


@dataclass(frozen=True)
class Malformed:
    """A row that could not be read: kept, counted, and put in quarantine by `clean`."""

    reason: str
    raw: str


Rows: TypeAlias = pa.RecordBatch | pa.Table | list[dict[str, Any]] | dict[str, Any] | Malformed | Cursor


class Collector(Part):
    """Reads a source from a position on."""

    family: ClassVar[str] = "collector"

    def read(self, cursor: Any | None) -> Iterator[Rows]:
        """Yield rows (dicts, lists of dicts, Arrow batches), `Malformed` rows and `Cursor`s.

        CURSOR is the value of the last committed cursor, None at the first time.  Yielding nothing means that
        nothing is new.  Raises InputError when the source cannot be read at all.
        """
        raise NotImplementedError
