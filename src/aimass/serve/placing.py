"""Where a model runs: small graphs of ONNX in the server itself, everything else in a process of its own.

A graph of ONNX runs no code of anybody's and holds what its file says; other engines bring threads, allocators and
whole libraries, and a large file is memory that only the end of a process surely gives back.
"""

from __future__ import annotations

from pathlib import Path

from aimass.engines.base import Engine
from aimass.engines.onnxruntime import OnnxRuntime

LARGE = 256_000_000  # bytes of a model's file


def placed(engine: Engine, folder: Path) -> Engine:
    """ENGINE, or a host of it, for the model in FOLDER."""
    if isinstance(engine, OnnxRuntime) and size_of(folder, engine) <= LARGE:
        return engine
    from aimass.engines.host.engine import Host  # most servers need none

    return engine if isinstance(engine, Host) else Host(engine=engine)


def size_of(folder: Path, engine: Engine) -> int:
    """Bytes of the files that ENGINE reads in FOLDER."""
    return sum((folder / name).stat().st_size for name in engine.files() if (folder / name).is_file())
