"""A process that `aimass up` keeps: its order comes over stdin, over a socket it says that it is ready, or why not.

The order may hold the password of a catalog, which a command line would show to everybody.
"""

from __future__ import annotations

import json
import logging
import signal
import socket
import sys
from typing import Any

from aimass.console.logs.stamp import Stamped
from aimass.console.up.line import Line
from aimass.core.errors import AimassError
from aimass.core.part import load
from aimass.runner.worker import die_with_parent

LEVEL = "WARNING"  # and above is logged, unless `log_level` of the subsystem says otherwise


def main() -> int:
    """Do what the order says until SIGTERM; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which says what then
    order: dict[str, Any] = json.loads(sys.stdin.read())
    die_with_parent(order["parent"])
    sys.path[:] = order["path"]
    sys.stdout = sys.stderr = Stamped(2)
    logging.basicConfig(level=LEVEL, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    with socket.socket(fileno=order["line"]) as connection:
        line = Line(connection, order["values"])
        line.offer({f"{order['name'].partition('-')[0]}/log_level": logging.getLogger().setLevel})
        try:
            load(order["body"], order["name"])(order, line)
        except AimassError as error:
            print(error, file=sys.stderr, flush=True)
            line.say(error=error.as_json())
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
