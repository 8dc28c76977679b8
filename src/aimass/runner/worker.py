"""The process of one task: reads its order from stdin, answers on the pipe named there."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

from aimass.core.errors import AimassError

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """On Linux the kernel kills this process when its parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)


def main() -> None:
    """Run one task and write {"digest": ...} or {"error": ...}."""
    order: dict[str, Any] = json.loads(sys.stdin.read())
    die_with_parent(order["parent"])
    sys.path[:] = order["path"]
    from aimass.runner.execute import execute

    try:
        answer: dict[str, Any] = {"digest": execute(order["task"], order["url"], order["run"], order["needs"])}
    except AimassError as error:
        answer = {"error": error.as_json()}
    with os.fdopen(order["answer"], "w", encoding="utf-8") as pipe:
        pipe.write(f"{json.dumps(answer)}\n")  # the end of the line says that the answer is whole


if __name__ == "__main__":
    main()
