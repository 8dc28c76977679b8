"""Netron's own pages, as its package has them, so that a graph is drawn here and nowhere else.

Its index page is changed in three ways when it is served: its date is today, since it refuses to work half a year after
its release; it is given the consent that it would else ask a location service about; and its version is 0.0.0, which is
what keeps its reports at home (the content security policy would not let them leave, either).  Its files are found by
exact name, so no path of a request reaches the disk.
"""

from __future__ import annotations

import gzip
import mimetypes
import re
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from aimass.core.errors import InputError

INDEX = "index.html"
KINDS = {".html", ".js", ".css", ".json", ".ico", ".png"}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # its page has a style element, its drawings style attributes
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
PACKED = 1400  # bytes from which it is worth it


def file_of(name: str) -> tuple[bytes, bytes, str, str] | None:
    """(plain, packed or empty, kind, tag) of the file NAME; None where Netron has no such file.

    Raises InputError when Netron is not installed.
    """
    path = _files().get(name)
    if path is None:
        return None
    return _index(today()) if name == INDEX else _read(path)


def today() -> str:
    return datetime.now(UTC).date().isoformat()


@cache
def _files() -> dict[str, Path]:
    found = find_spec("netron")  # not imported: only its files are wanted
    if found is None or not found.submodule_search_locations:
        raise InputError("netron is not installed", expected="the package `netron`", todo="pip install netron")
    folder = Path(found.submodule_search_locations[0])
    return {path.name: path for path in sorted(folder.iterdir()) if path.suffix in KINDS and path.is_file()}


@cache
def _read(path: Path) -> tuple[bytes, bytes, str, str]:
    return _told(path.read_bytes(), path.name)


@lru_cache(maxsize=2)
def _index(day: str) -> tuple[bytes, bytes, str, str]:
    return _told(changed(_files()[INDEX].read_text(encoding="utf-8"), day).encode(), INDEX)


def changed(page: str, day: str) -> str:
    """Netron's index PAGE as it is served on a DAY.  Raises InputError when it is not as we know it."""
    for name, value in (("date", f"{day} 00:00:00"), ("version", "0.0.0")):
        page, times = re.subn(rf'<meta name="{name}" content="[^"]*">', f'<meta name="{name}" content="{value}">', page)
        if times != 1:
            raise InputError(f"this Netron's page has no {name}", expected="the version that we were tested with",
                             todo="pip install -c constraints.txt netron")  # fmt: skip
    return page


def _told(plain: bytes, name: str) -> tuple[bytes, bytes, str, str]:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = not kind.startswith("image/")
    packed = gzip.compress(plain, 6, mtime=0) if text and len(plain) > PACKED else b""
    return plain, packed, f"{kind}; charset=utf-8" if text else kind, f'"{sha256(plain).hexdigest()[:16]}"'
