"""Training state on disk: written whole or not at all, read without running code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

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


def save(path: Path, state: dict[str, Any]) -> None:
    """Write STATE (tensors, numbers, texts, lists and tables of them) to PATH."""
    import io

    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, buffer.getbuffer())


def load(path: Path) -> dict[str, Any] | None:
    """The state in PATH, None when there is none."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return state
