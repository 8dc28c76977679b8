"""A process that `aimass up` keeps: its order comes over stdin, over a socket it says that it is ready, or why not.

The order may hold the password of a catalog, which a command line would show to everybody.
"""

from __future__ import annotations

import json
import signal
import socket
import sys
from typing import Any

from aimass.core.errors import AimassError
from aimass.core.part import load
from aimass.runner.worker import die_with_parent


def main() -> int:
    """Do what the order says until SIGTERM; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which says what then
    order: dict[str, Any] = json.loads(sys.stdin.read())
    die_with_parent(order["parent"])
    sys.path[:] = order["path"]
    with socket.socket(fileno=order["line"]) as line:

        def say(**facts: Any) -> None:
            line.sendall(json.dumps(facts).encode() + b"\n")

        try:
            load(order["body"], order["name"])(order, lambda **facts: say(ready=facts))
        except AimassError as error:
            print(error, file=sys.stderr, flush=True)
            say(error=error.as_json())
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
