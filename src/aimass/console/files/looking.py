"""The process that looks at a file: its order comes over stdin, what it finds goes to stdout."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from aimass.core.errors import AimassError
from aimass.runner.worker import die_with_parent

WRITES = 1 << 30  # bytes of a file that it may write


def main() -> None:
    """Look at one file."""
    order: dict[str, Any] = json.loads(sys.stdin.read())
    die_with_parent(order["parent"])
    resource.setrlimit(resource.RLIMIT_AS, (order["memory"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (order["seconds"],) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (WRITES,) * 2)
    print(json.dumps(_told(order), allow_nan=False))


def _told(order: dict[str, Any]) -> dict[str, Any]:
    from aimass.project.glance import glance

    try:
        return {"found": glance(Path(order["path"]), order["use"])}
    except AimassError as error:
        return {"error": error.as_json()}


if __name__ == "__main__":
    main()
