"""The process of one rank on this machine: reads its order from stdin, answers at the desk named there."""

from __future__ import annotations

import json
import sys
from typing import Any

from aimass.runner.desk import Line
from aimass.runner.gang import Rank, serve
from aimass.runner.worker import die_with_parent


def main() -> None:
    """Do one rank's share of a gang's work."""
    order: dict[str, Any] = json.loads(sys.stdin.read())
    die_with_parent(order["parent"])
    sys.path[:] = order["path"]
    number = order["rank"]
    rank = Rank(number, order["ranks"], number, order["ranks"], line=Line(order["desk"], number))
    sys.exit(not serve(rank, order["place"], order["arguments"]))


if __name__ == "__main__":
    main()
