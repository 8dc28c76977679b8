"""Part of many rows, at a cost that does not grow with them: evenly spaced stretches, from first row to last."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from aimass.store.lake import on_disk

SPACED = 16  # stretches, where there are as many row groups
HEAVY = 256 << 20  # bytes of rows, unpacked


@dataclass(frozen=True)
class Looked:
    """ROWS that lie on this disk: COUNT of the TOTAL there are."""

    rows: ds.Dataset
    count: int
    total: int

    @property
    def exact(self) -> bool:
        return self.count == self.total


def looked_at(rows: ds.Dataset, copy: Path, *, most: int, heavy: int = HEAVY) -> Looked:
    """ROWS, all of them up to MOST rows and HEAVY bytes, else stretches of them, copied to COPY."""
    groups = [(fragment, group) for fragment in rows.get_fragments() for group in fragment.row_groups]
    total, size = (sum(getattr(group, fact) for _, group in groups) for fact in ("num_rows", "total_byte_size"))
    wanted = min(most, int(heavy * total / max(size, 1)))
    if total <= wanted:
        return Looked(on_disk(rows, copy), total, total)
    lengths = stretches([group.num_rows for _, group in groups], max(1, wanted))
    with pq.ParquetWriter(copy, rows.schema, compression="none", store_schema=False) as writer:
        for i, length in lengths.items():
            fragment, group = groups[i]
            writer.write_table(_head(rows, fragment.subset(row_group_ids=[group.id]), length))
    return Looked(ds.dataset(copy, format="parquet"), sum(lengths.values()), total)


def stretches(sizes: list[int], wanted: int) -> dict[int, int]:
    """How many rows of which of row groups of SIZES: WANTED in all, or less, of evenly spaced ones."""
    count = min(SPACED, len(sizes), wanted)
    chosen = [round(i * (len(sizes) - 1) / max(count - 1, 1)) for i in range(count)]
    return {i: min(sizes[i], wanted // count) for i in chosen}


def _head(rows: ds.Dataset, part: ds.Fragment, length: int) -> pa.Table:
    """The first rows of PART, with the columns of all ROWS."""
    return ds.FileSystemDataset([part], rows.schema, rows.format, rows.filesystem).head(length, use_threads=False)
