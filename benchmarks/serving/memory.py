"""Does memory come back when models are loaded, asked and unloaded a hundred times?

Beside a model that stays, the convolutional one is loaded, asked for a second and unloaded; what the server holds after
each round is held against what it held after five.  Memory of its own (Anonymous) is counted beside PSS, which also
changes with who else on the machine maps the same libraries.

    python benchmarks/serving/memory.py --record        # about three minutes
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from ours import SHAPES
from scene import Goals, Running, arguments, asked, report, serving, version_of

from models import body_of, tab_and_cnn

FIRST = 5  # rounds until all that is made once was made
ROWS = 8
KINDS = ("Anonymous", "Pss")


def gone(server: Running, name: str) -> None:
    """Wait until NAME is unloaded: its answers come first."""
    until = time.monotonic() + 20
    while any(one["name"] == name and one["state"] != "UNAVAILABLE" for one in server.said("/v2/repository/index", {})):
        if time.monotonic() > until:
            raise RuntimeError(f"{name} is not unloaded")
        time.sleep(0.02)


def rounds(server: Running, many: int, body: bytes) -> dict[str, list[float]]:
    """Megabytes after each round, by their kind."""
    held: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(many):
        server.said("/v2/repository/models/cnn/load", {})
        load = asked(server.port, "/v2/models/cnn/infer", body, connections=8, seconds=1)
        if load.failed:
            raise RuntimeError(f"{load.failed} requests failed")
        server.said("/v2/repository/models/cnn/unload", {})
        gone(server, "cnn")
        for kind, each in held.items():
            each.append(server.megabytes(kind))
    return held


def figures(many: int, models: Path | None, goals: Goals) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        found = tab_and_cnn(models, root)
        for name in SHAPES:
            version_of(found[name], root / "repository", name, 1)
        with serving("--repository", root / "repository") as server:
            begun = {kind: round(server.megabytes(kind), 1) for kind in KINDS}
            held = rounds(server, many, body_of("cnn", ROWS))
    for kind, each in held.items():
        goals.at_most(f"{kind}: MB after {many} rounds over those after {FIRST}", each[-1] / each[FIRST - 1], 1.05)
    every = max(1, many // 20)
    return {"MB at the start": begun, "MB by round": {kind: [round(one, 1) for one in each[::every]]
            for kind, each in held.items()}, "rounds between these": every}  # fmt: skip


def main() -> None:
    given, goals = arguments(__doc__).parse_args(), Goals()
    found = figures(20 if given.quick else 100, given.models, goals)
    report("memory", __doc__, found, goals, given, "PSS of the server; a round asks for a second over 8 connections")


if __name__ == "__main__":
    main()
