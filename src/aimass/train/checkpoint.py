"""Training state on disk: written whole or not at all, read without running code (safetensors and JSON)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from aimass.core.errors import StoreError


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Put CONTENT at PATH: a reader sees the old file or the new one, also after a loss of power."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(
            f"the checkpoint {path} cannot be written: {error.strerror}",
            expected="room on a disk that can be written",
            todo="free some space and run again; the last whole checkpoint is kept",
        ) from error


def save(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write TENSORS by name, with FACTS (JSON; infinite numbers too) in the header, to PATH: one safetensors file."""
    # Copies: the format knows neither two names for one tensor (tied weights) nor other layouts than row by row.
    rows = {name: value.detach().contiguous().clone() for name, value in tensors.items()}
    write_whole(path, to_bytes(rows, {"facts": json.dumps(facts)}))


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and facts in PATH, None when there is no such file."""
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no mapping
        return tensors, json.loads(file.metadata()["facts"])
