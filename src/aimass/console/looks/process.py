"""The process that looks at a file: its order comes over stdin, what it finds goes into a file."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimass.core.errors import ERRORS, AimassError
from aimass.runner.worker import die_with_parent

WRITES = 1 << 30  # bytes of a file that it may write
Said = dict[str, Any]


def main() -> None:
    """Look at one file."""
    order: Said = json.loads(sys.stdin.read())
    die_with_parent(order["parent"])
    seconds = order["seconds"]
    resource.setrlimit(resource.RLIMIT_AS, (order["memory"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (WRITES,) * 2)
    told = json.dumps(_told(order), allow_nan=False, ensure_ascii=False)
    Path(order["answer"]).write_bytes(told.encode(errors="replace"))


def _told(order: Said) -> Said:
    try:
        return {"found": LOOKS[order["what"]](Path(order["path"]), order)}
    except AimassError as error:
        known = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in ERRORS)
        return {"error": {**error.as_json(), "type": known}}


def _rows(path: Path, order: Said) -> Said:
    from aimass.project.glance import glance

    return glance(path, order["use"])


def _graph(path: Path, order: Said) -> Said:
    from aimass.console.graph.summary import summary_of

    return summary_of(path, order["digest"])


def _archive(path: Path, order: Said) -> Said:
    from aimass.project.archive.take import look
    from aimass.runner.workspace import Workspace

    with Workspace.reopen(order["url"]) as workspace:
        return look(workspace, path)


LOOKS: dict[str, Callable[[Path, Said], Said]] = {"rows": _rows, "graph": _graph, "archive": _archive}

if __name__ == "__main__":
    main()
