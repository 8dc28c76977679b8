"""The training cache: one raw file a tensor and split, memory-mapped, keyed by the snapshot and the graph.

A tensor that is an affine function of bytes (an image) lies there as bytes, and cache.json says the function.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import quote

import numpy as np

from aimass.core.canonical import digest_of
from aimass.core.errors import StoreError
from aimass.prepare.affine import Affine, Decoded

SplitName = Literal["train", "valid", "test"]


class CacheWriter:
    """Writes the tensors of each split below FOLDER/cache, in the order they come.

    Those that AFFINE names come as bytes.
    """

    def __init__(self, folder: Path, affine: Mapping[str, Affine] = MappingProxyType({})) -> None:
        self.folder, self.affine = folder, affine
        self.splits: dict[str, dict[str, Any]] = {}

    def write(self, split: str, chunks: Iterator[Mapping[str, np.ndarray]]) -> int:
        """All CHUNKS of tensors by name as SPLIT; the number of rows."""
        place = self.folder / "cache" / split
        place.mkdir(parents=True)
        files: dict[str, Any] = {}
        facts: dict[str, dict[str, Any]] = {}
        try:
            for chunk in chunks:
                for name, tensor in chunk.items():
                    if name not in files:
                        files[name] = (place / file_of(name)).open("wb")
                        code = self.affine[name].as_json() if name in self.affine else {}
                        facts[name] = {"dtype": tensor.dtype.name, "shape": [0, *tensor.shape[1:]], **code}
                    files[name].write(np.ascontiguousarray(tensor).data)
                    facts[name]["shape"][0] += len(tensor)
            for file in files.values():
                file.flush()
                os.fsync(file.fileno())
        finally:
            for file in files.values():
                file.close()
        self.splits[split] = facts
        return int(facts["target"]["shape"][0]) if facts else 0

    def close(self, key: dict[str, str]) -> None:
        """Write cache.json; KEY names the snapshot and the graph these tensors are of."""
        text = json.dumps({"key": key, "splits": self.splits}, indent=1)
        (self.folder / "cache.json").write_text(text, encoding="utf-8")


def file_of(tensor: str) -> str:
    """The file of TENSOR: its name, where a file can have it (columns may be called a/b, or by a whole question)."""
    name = quote(tensor, safe=" ")
    return f"{name if len(name) <= 200 else name[:180] + digest_of(tensor)[:20]}.bin"


def read_split(folder: Path, split: SplitName) -> dict[str, np.memmap | Decoded]:
    """Every tensor [N, ...] of SPLIT, as the graph gives it, and "target" [N]; mapped and not read.

    Raises StoreError when a file is missing or cut short.
    """
    facts = _splits(folder / "cache.json")[split]
    found: dict[str, np.memmap | Decoded] = {}
    for name, about in facts.items():
        path = folder / "cache" / split / file_of(name)
        shape, dtype = tuple(about["shape"]), np.dtype(about["dtype"])
        if not path.exists() or path.stat().st_size != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
            raise _damaged(path)
        raw = np.memmap(path, dtype, "r", shape=shape)
        found[name] = Decoded(raw, Affine.from_json(about)) if "scale" in about else raw
    return found


def _splits(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["splits"]
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path) from error
    return found


def _damaged(path: Path) -> StoreError:
    return StoreError(f"the cache file {path} is missing or cut short", expected="the file that prepare wrote",
                      todo="delete the artifact and run again; it will be made anew")  # fmt: skip
