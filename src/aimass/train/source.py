"""The rows of a split as torch wants them: one gather a tensor and batch, bytes for as long as possible, never a row.

    source = Source(open_split(examples, "train"), "auto", torch.device("cpu"))
    batch = source.fetch(torch.tensor([3, 1, 2]))

What gathers, measured on two cores of an AMD EPYC (GB/s, one thread, rows of 784 B and 3 kB in batches of 128, random
order): torch.index_select 4 to 7 and np.take 5 to 7, where `tensor[rows]` reaches 0.9 and 1.3.  Gathering bytes and
decoding them takes 28 us for 128 images of 784 pixels, gathering floats that were decoded before 36 to 58 us.
"""

from __future__ import annotations

import mmap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from aimass.prepare.affine import Decoded
from aimass.train.batch import Batch
from aimass.train.data import Split
from aimass.train.tier import Tier, choose_tier


@dataclass(frozen=True)
class Table:
    """One tensor of all rows as it is kept, and what makes values of it.

    raw            [N, ...]
    offset, scale  float32 [C, 1, ...] on the device of the batches, where the values are (raw - offset) * scale
    """

    raw: Tensor
    offset: Tensor | None = None
    scale: Tensor | None = None

    @classmethod
    def of(cls, array: np.ndarray | Decoded, device: torch.device) -> Table:
        """Over the memory of ARRAY (read-only files too: nothing here writes), decoding on DEVICE."""
        if not isinstance(array, Decoded):
            return cls(_shared(array))
        shape = (-1, *(1,) * (array.raw.ndim - 2))
        constants = (array.affine.offset, array.affine.scale)
        offset, scale = (torch.tensor(c, dtype=torch.float32, device=device).reshape(shape) for c in constants)
        return cls(_shared(array.raw), offset, scale)

    @property
    def bytes(self) -> int:
        return self.raw.numel() * self.raw.element_size()

    @cached_property
    def rows(self) -> np.ndarray:
        """uint8 [N, bytes of a row]: the same memory, whatever the type of the numbers in it."""
        flat = self.raw.contiguous().reshape(len(self.raw), -1)
        return flat.view(torch.uint8).numpy()

    def decode(self, raw: Tensor) -> Tensor:
        """Values of RAW, some rows on the device of the batches; the same bits as the ONNX graph gives."""
        if self.offset is None or self.scale is None:
            return raw
        return raw.float().sub_(self.offset).mul_(self.scale)


class Source:
    """Rows that can be fetched by their numbers, as batches on a DEVICE.

    tier   "device": all rows lie there.  "memory": in the memory of this machine; files are read ahead into the page
           cache, which all ranks share (mapped rows are gathered as fast as copied ones).  "mapped": files are read
           where rows are asked for.
    bytes  of all rows as they lie
    """

    def __init__(self, split: Split, tier: str, device: torch.device) -> None:
        """TIER "auto": by the size and what is free."""
        files = [array.raw if isinstance(array, Decoded) else array for array in (*split.tensors, split.target)]
        tables = [Table.of(array, device) for array in (*split.tensors, split.target)]
        self._set(tables, files, tier, device)

    @classmethod
    def of_tensors(cls, tensors: Sequence[Tensor], target: Tensor, tier: str, device: torch.device) -> Source:
        """The rows of TENSORS [N, ...] and TARGET [N]; on the host they are used where they are, else copied there."""
        source = cls.__new__(cls)
        source._set([Table(tensor.detach().cpu().contiguous()) for tensor in (*tensors, target)], [], tier, device)
        return source

    def _set(self, tables: list[Table], files: Sequence[np.ndarray], tier: str, device: torch.device) -> None:
        self.host, self.files, self.device = tables, files, device
        self.bytes = sum(table.bytes for table in tables)
        self.tier: Tier = choose_tier(self.bytes, device) if tier == "auto" else tier  # type: ignore[assignment]
        self.tables = tables
        if self.tier == "device":
            self.tables = [Table(table.raw.to(device), table.offset, table.scale) for table in tables]
        elif self.tier == "memory":
            _read_ahead(files)

    def at(self, tier: str) -> Source:
        """The same rows in another TIER."""
        if tier == self.tier:
            return self
        other = Source.__new__(Source)
        other._set(self.host, self.files, tier, self.device)
        return other

    def __len__(self) -> int:
        return len(self.host[-1].raw)

    def target(self) -> Tensor:
        """All targets [N, ...], on the host."""
        return self.host[-1].raw

    @property
    def row_bytes(self) -> int:
        """Of a row once it is decoded."""
        return sum(
            table.raw[:1].numel() * (table.raw.element_size() if table.offset is None else 4) for table in self.tables
        )

    def fetch(self, rows: Tensor) -> Batch:
        """The batch of ROWS (int64 [N], on the host): row r + c * len(self) is the c-th copy of row r."""
        places = torch.from_numpy(rows.numpy() % len(self))
        if self.device.type == "cuda":
            rows = rows.pin_memory().to(self.device, non_blocking=True)
            places = rows % len(self) if self.tier == "device" else places
        return self.decoded([table.raw.index_select(0, places) for table in self.tables], rows)

    def decoded(self, raw: Sequence[Tensor], rows: Tensor) -> Batch:
        """The batch of ROWS, their RAW tensors gathered already."""
        if self.device.type != "cpu":
            raw = [some.to(self.device, non_blocking=True) for some in raw]
        *tensors, target = map(Table.decode, self.tables, raw)
        return Batch(tuple(tensors), target, rows)


def _shared(array: np.ndarray) -> Tensor:
    """A tensor over the memory of ARRAY."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


def _read_ahead(files: Sequence[np.ndarray]) -> None:
    """Tell the system that all of FILES will be read: it begins at once, in the order on disk."""
    for array in files:
        mapped = getattr(array, "_mmap", None)
        if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_WILLNEED"):
            mapped.madvise(mmap.MADV_WILLNEED)
