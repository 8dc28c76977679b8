"""Bytes of what is served."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

GZIP = 31  # zlib's window bits for a gzip frame


def sizes(model: Path, files: Sequence[str] = ("model.onnx",)) -> dict[str, int]:
    """Bytes of the FILES of MODEL that answer requests: as they lie on disk, and gzipped for transport."""
    packer, packed, whole = zlib.compressobj(9, zlib.DEFLATED, GZIP), 0, 0
    for name in files:
        with (model / name).open("rb") as file:
            while block := file.read(1 << 20):
                packed += len(packer.compress(block))
                whole += len(block)
    return {"size_bytes": whole, "gzip_bytes": packed + len(packer.flush())}
