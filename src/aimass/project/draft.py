"""A first aimass.toml from a data file and the column to predict."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from aimass.collect.base import MALFORMED, RAW, Collector
from aimass.collect.endings import collector_of
from aimass.core.errors import InputError, unknown
from aimass.project.toml import quoted


def columns_of(data: str) -> list[str]:
    """Column names of the first rows of DATA."""
    collector: Any = Collector.from_settings({"use": collector_of(data), "path": str(Path(data).absolute())}, data)
    for rows in islice(collector.read(None), 1000):
        if isinstance(rows, (pa.Table, pa.RecordBatch)):
            return [name for name in rows.schema.names if name not in (MALFORMED, RAW)]
        if isinstance(rows, list) and rows:
            return list(rows[0])
        if isinstance(rows, dict):
            return list(rows)
    raise InputError(f"{data}: no rows", expected="a file with a header and rows")


def draft(data: str, target: str, name: str, beside: Path) -> str:
    """The text of aimass.toml for predicting TARGET from DATA."""
    columns = columns_of(data)
    if target not in columns:
        raise unknown("column", target, columns, todo="give --target one of these")
    path = Path(data).absolute()
    shown = path.relative_to(beside) if path.is_relative_to(beside) else path
    clean = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "project"
    return f"""# Predict {quoted(target)} from {quoted(shown.name)}.  Every key: docs/project.md
name = {quoted(clean)}

[collect]
use = "{collector_of(data)}"
path = {quoted(str(shown))}

[goal]
target = {quoted(target)}
# metric = "roc_auc"     # a default exists for every task
# floor = 0.80           # lower confidence bound on rows nobody trained on
p99_ms = 20.0            # upper confidence bound, at the HTTP endpoint, on this machine ...
clients = 4              # ... with this many concurrent clients
size_mb = 10.0           # the served file on disk

[spend]
minutes = 10             # one clock over collect .. publish
"""
