"""Bytes of what is served."""

from __future__ import annotations

import zlib
from pathlib import Path

GZIP = 31  # zlib's window bits for a gzip frame


def sizes(model: Path) -> dict[str, int]:
    """Bytes of MODEL/model.onnx, the one file that answers requests: as it lies on disk, and gzipped for transport."""
    path = model / "model.onnx"
    packer, packed = zlib.compressobj(9, zlib.DEFLATED, GZIP), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            packed += len(packer.compress(block))
    return {"size_bytes": path.stat().st_size, "gzip_bytes": packed + len(packer.flush())}
