"""What a file is by the ending of its name."""

from __future__ import annotations

import glob
from pathlib import Path

from aimass.collect.files import kind_of
from aimass.core.errors import InputError

KINDS = {"csv": "csv", "tsv": "csv", "txt": "csv", "parquet": "parquet", "pq": "parquet",
         "jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl"}  # fmt: skip
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")  # of pictures
PACKED = ("gz", "bz2", "xz", "zip")


def collector_of(data: str) -> str:
    """The collector for DATA by its ending.  Raises InputError listing the endings known."""
    endings = [e for e in Path(data).name.lower().split(".")[1:] if e not in PACKED]
    if not endings or endings[-1] not in KINDS:
        raise InputError(
            f"{data}: no collector is known for this ending",
            expected=f"a file ending in {', '.join(sorted(KINDS))}",
            todo="write aimass.toml by hand with another collector: aimass parts collector",
        )
    return KINDS[endings[-1]]


def source_of(path: str) -> dict[str, str]:
    """A collector's settings for PATH: a file, or a folder of files of one ending, or of pictures.

    Files whose name begins with . or _ are no data.  Raises InputError.
    """
    folder = Path(path).absolute()
    if kind_of(folder) != "folder":
        return {"use": collector_of(path), "path": str(folder)}
    files = [f for f in folder.rglob("*") if f.is_file() and not _hidden(f.relative_to(folder))]
    found = sorted({"".join(f.suffixes[-2:] if f.suffix[1:] in PACKED else f.suffixes[-1:]) for f in files})
    if not found:
        raise InputError(f"{path} holds no files", expected="a folder of data files, or of pictures")
    if {ending.lower() for ending in found} <= set(ENDINGS):
        return {"use": "images", "path": str(folder)}
    if len(found) > 1:
        raise InputError(f"{path} holds files ending in {', '.join(found)}", expected="one ending",
                         todo=f"name the files: {path.rstrip('/')}/*{found[0]}")  # fmt: skip
    return {"use": collector_of(f"x{found[0]}"), "path": f"{glob.escape(str(folder))}/**/*{found[0]}"}


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)
