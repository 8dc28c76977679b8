"""What an archive holds: whose it is, and every file with its size and checksum."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from aimass.core.errors import InputError

FORMAT = 1
INDEX = "contents.json"
LARGEST = 256 << 20  # bytes of the list: some two million files
RUNS, METRICS, LOGS = "facts/runs.jsonl", "facts/metrics.jsonl", "facts/logs.jsonl"
NAMES, VERSIONS, PROJECT = "facts/names.jsonl", "facts/versions.jsonl", "project/aimass.toml"
FACTS = (RUNS, METRICS, LOGS, NAMES, VERSIONS)
ARTIFACTS, LAKE = "artifacts", "lake"
PART = re.compile(r"[^\x00-\x1f\x7f/\\]{1,200}")
DIGEST = re.compile(r"[0-9a-f]{64}")
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # of a project that can be a folder


@dataclass(frozen=True)
class Contents:
    """The list.  FILES: path -> (bytes, SHA-256)."""

    project: str
    created: str  # ISO 8601, UTC
    package: str  # the version of aimass that wrote it
    machine: str  # digest of the one it was written on
    files: dict[str, tuple[int, str]]

    def as_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **self.__dict__}

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for size, _ in self.files.values())

    def below(self, folder: str) -> list[str]:
        """The files of FOLDER."""
        return [path for path in self.files if path.startswith(f"{folder}/")]

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Raises InputError for what is no such list."""
        try:
            told = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"its {INDEX} is not JSON: {str(error)[:100]}") from error
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            found = told.get("format") if isinstance(told, dict) else None
            raise InputError(f"its format is {str(found)[:20]!r}, this aimass reads {FORMAT}")
        head = {name: told.get(name) for name in ("project", "created", "package", "machine")}
        if set(told) != {"format", "files", *head} or not all(_short(value) for value in head.values()):
            raise InputError(f"its {INDEX} is not what an export writes")
        if not OWNER.fullmatch(str(head["project"])):
            raise InputError("it does not say whose it is")
        return cls(**head, files=_files(told["files"]))  # type: ignore[arg-type]


def _short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 100 and value.isprintable()


def _files(told: Any) -> dict[str, tuple[int, str]]:
    if not isinstance(told, dict) or not all(_file(one) for one in told.values()):
        raise InputError(f"its {INDEX} lists no files")
    check_paths(told)
    lacking = [path for path in FACTS if path not in told]
    if lacking:
        raise InputError(f"it has no {lacking[0]}")
    return {path: (size, digest) for path, (size, digest) in told.items()}


def _file(one: Any) -> bool:
    return (isinstance(one, list) and len(one) == 2 and type(one[0]) is int and one[0] >= 0
            and isinstance(one[1], str) and DIGEST.fullmatch(one[1]) is not None)  # fmt: skip


def check_paths(paths: Iterable[str]) -> None:
    """Raises InputError unless each of PATHS stays inside, means one place, and is where an export puts files."""
    known = set(paths)
    for path in known:
        parts = path.split("/")
        if len(path) > 1000 or not all(PART.fullmatch(part) and part.strip(". ") for part in parts):
            raise InputError(f"its file {path[:100]!r} is no path inside it")
        if any("/".join(parts[:n]) in known for n in range(1, len(parts))):
            raise InputError(f"its file {path[:100]!r} lies in another file")
        if path not in (*FACTS, PROJECT) and not _placed(parts):
            raise InputError(f"it holds {path[:100]!r}, which no export writes")


def _placed(parts: list[str]) -> bool:
    """artifacts/DIGEST/FILE, lake/TABLE/FILE, lake/TABLE/_delta_log/FILE; a table has one or two names."""
    if parts[0] == ARTIFACTS:
        return len(parts) > 2 and DIGEST.fullmatch(parts[1]) is not None
    return parts[0] == LAKE and 3 <= len(parts) <= 5
