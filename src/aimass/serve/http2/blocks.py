"""Blocks of headers: read by hpack, unless they were read before; written as constants.

A block that leaves the table as it is means the same whenever it comes again, as long as no other block changes the
table.  After the first calls of a connection every block is like that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hpack

from aimass.serve.http2.frames import COMPRESSION_ERROR, ProtocolError
from aimass.serve.known import Known

KEPT = 64  # blocks of a connection
LARGEST = 64 << 10  # bytes of headers, unpacked


class Fields(dict[bytes, bytes]):
    """What a block says; of those that come twice the last.  DECISION is whether it may: see `access.guard`."""

    __slots__ = ("decision", "pairs")

    def __init__(self, pairs: Sequence[Any]) -> None:
        super().__init__(pairs)
        self.pairs = pairs
        self.decision: Any = None


class Blocks:
    """Of one connection's peer."""

    def __init__(self) -> None:
        self.decoder = hpack.Decoder(max_header_list_size=LARGEST)
        self.known = Known[bytes, Fields](KEPT)

    def read(self, block: bytes) -> Fields:
        """The fields in BLOCK.  Raises ProtocolError."""
        found = self.known.get(block)
        if found is not None:
            return found
        before = self._table()
        try:
            found = Fields(list(self.decoder.decode(block, raw=True)))
        except hpack.HPACKError as error:
            raise ProtocolError(COMPRESSION_ERROR, f"headers cannot be read: {error}") from error
        if self._table() != before:
            self.known.clear()
        else:
            self.known.keep(block, found)
        return found

    def _table(self) -> list[Any]:
        table = self.decoder.header_table
        return [table.maxsize, *table.dynamic_entries]


def block(fields: list[tuple[bytes, bytes]]) -> bytes:
    """FIELDS as a block that asks nothing of the peer's table."""
    return bytes(hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(*field) for field in fields], huffman=False))
