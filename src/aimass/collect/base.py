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
        nothing is new; a collector that never yields a cursor is read whole each time and replaces what was there.
        Values of dicts are kept as text (the contract of `clean` finds their types); Arrow columns keep theirs.
        An Arrow field with metadata {"shape": "[28, 28, 1]"} holds images: raw uint8, height x width x channels.
        Raises InputError when the source cannot be read at all.
        """
        raise NotImplementedError

    def identity(self) -> dict[str, Any]:
        """What makes this another source, whose cursors mean something else: its settings.

        A changed identity is read from the beginning and replaces what the table held.
        """
        return self.settings()

    @classmethod
    def adopt(cls, name: str, guest: Any) -> type[Part]:
        """A collector around a generator function `f(cursor, **settings)`."""
        from aimass.collect.guest import adopt

        return adopt(name, guest)
