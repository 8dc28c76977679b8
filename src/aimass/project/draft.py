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
from aimass.project.file import Spend
from aimass.project.toml import quoted
from aimass.search.goal import Goal


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
    """The text of aimass.toml for predicting TARGET from DATA, with budgets that most machines keep."""
    columns = columns_of(data)
    if target not in columns:
        raise unknown("column", target, columns, todo="give --target one of these")
    path = Path(data).absolute()
    shown = path.relative_to(beside) if path.is_relative_to(beside) else path
    return written(shown, name, Goal(target=target, p99_ms=20.0, size_mb=10.0), Spend())


def written(path: Path, name: str, goal: Goal, spend: Spend) -> str:
    """The text of aimass.toml that reads PATH (as it is to be spelled) and reaches GOAL within SPEND.

    A budget that GOAL leaves out stands there as a comment, so that the file says what it could say.
    """
    return f"""# Predict {quoted(goal.target)} from {quoted(path.name)}.  Every key: docs/project.md
name = {quoted(named(name))}

[collect]
use = "{collector_of(str(path))}"
path = {quoted(str(path))}

[goal]
target = {quoted(goal.target)}
{_line("metric", quoted(str(goal.metric)) if goal.metric else "", '"roc_auc"', "a default exists for every task")}
{_line("floor", goal.floor, "0.80", "lower confidence bound on rows nobody trained on")}
{_line("p99_ms", goal.p99_ms, "20.0", "upper confidence bound, at the HTTP endpoint, on this machine ...")}
{_line("clients", goal.clients, "4", "... with this many concurrent clients")}
{_line("size_mb", goal.size_mb, "10.0", "the served file on disk")}
{_line("prefer", quoted(goal.prefer), "", "among those that fit: quality, latency or size")}

[spend]
{_line("minutes", spend.minutes, "10.0", "one clock over collect .. publish")}
"""


def named(name: str) -> str:
    """NAME as a project can be called: it becomes the name of artifacts, releases and the endpoint."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].strip("-") or "project"


def _line(key: str, value: Any, example: str, comment: str) -> str:
    """KEY as it is given, or as it could be."""
    given = f"{key} = {value}" if value not in (None, "") else f"# {key} = {example}"
    return f"{given:24} # {comment}"
