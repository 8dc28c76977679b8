"""A log that has grown too large is begun anew; what it held is kept beside it, once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

JOB = 64 << 20  # bytes of the log of a job


def put_aside(log: Path, large: int) -> None:
    """Begin LOG anew where it has more than LARGE bytes: they are in NAME.before.SUFFIX then.

    Who writes it appends and is not asked, nor is what that has started; so it is copied and emptied, and a line that
    is written in the microseconds between may be lost.  On a disk without room for the copy nothing is done.
    """
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return
    if size <= large or shutil.disk_usage(log.parent).free < 2 * size:
        return
    before = log.with_name(f"{log.stem}.before{log.suffix}")
    with log.open("r+b") as now, before.open("wb") as then:
        shutil.copyfileobj(now, then, 1 << 20)
        os.truncate(now.fileno(), 0)
