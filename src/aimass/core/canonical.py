"""One spelling of JSON and one hash, so that the same meaning has the same digest everywhere."""

import hashlib
import json
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces, real UTF-8.  Raises InputError for NaN, which does not equal itself."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"not plain JSON: {error}", expected="text, finite numbers, lists and tables") from error


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of VALUE."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
