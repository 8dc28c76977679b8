"""One spelling of JSON and one hash, so that the same meaning has the same digest everywhere."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces, real UTF-8; NaN is refused because it does not equal itself."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of VALUE."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
