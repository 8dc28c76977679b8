"""Is a request lost or mixed up while versions are switched, taken back and tried out under load?

100 times another version is loaded and gets all requests, 50 times they return to the one before, and a canary's share
goes from 0.1 to 0.9, by lot and by who asks.  Callers over HTTP (records, V2 JSON, V2 binary) and gRPC keep their
connections; every answer names its version and is checked against what that version must say.

    python benchmarks/serving/swaps.py --record        # about four minutes
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from callers import Callers, asking
from scene import Goals, Running, arguments, report, serving, spread, version_of

from models import numbered

VERSIONS = 6
SHARES = [share / 10 for share in range(1, 10)]
PAUSE = 0.1  # seconds between moves, in which there are answers


class Moves:
    """Of m on SERVER: each is made, timed by its kind, and followed by a pause."""

    def __init__(self, server: Running) -> None:
        self.server, self.seconds = server, dict[str, list[float]]()

    def make(self, kind: str, path: str, **body: Any) -> None:
        begin = time.perf_counter()
        self.server.said(path, body)
        self.seconds.setdefault(kind, []).append(time.perf_counter() - begin)
        time.sleep(PAUSE)

    def swap(self, number: int) -> None:
        self.make("load and switch", "/v2/repository/models/m/load", parameters={"version": str(number)})

    def rollback(self) -> None:
        self.make("return", "/v1/deployments/m/rollback")

    def canary(self, number: int, share: float, sticky: str) -> None:
        self.make("canary", "/v1/deployments/m/canary", version=str(number), share=share, sticky=sticky)


def swaps(moves: Moves, many: int, returns: int) -> None:
    """MANY switches; after RETURNS of them, evenly spread, requests return to the version before."""
    for i in range(many):
        moves.swap(i % VERSIONS + 1)
        if (i + 1) * returns // many > i * returns // many:
            moves.rollback()


def canaries(moves: Moves, callers: Callers, rounds: int) -> list[dict[str, list[str]]]:
    """A canary's share grows, by lot and by who asks.  Which versions callers got one after the other, by who asks."""
    paths = []
    for i in range(rounds):
        for sticky in ("", "x-user"):
            moves.swap(2 * i % VERSIONS + 1)
            new = (2 * i + 1) % VERSIONS + 1
            moves.canary(new, 0.0, sticky)
            callers.paths.clear()
            for share in SHARES:
                moves.canary(new, share, sticky)
            if sticky:
                paths.append({user: list(path) for user, path in list(callers.paths.items())})
            moves.make("promote", "/v1/deployments/m/promote")
    return paths


def figures(quick: bool, goals: Goals) -> dict[str, Any]:
    many, returns, rounds, each = (6, 3, 1, 2) if quick else (100, 50, 5, 3)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number in range(1, VERSIONS + 1):
            version_of(numbered(root / f"made-{number}", number), root / "repository", "m", number)
        with serving("--repository", root / "repository") as server, asking(server.port, each) as callers:
            moves = Moves(server)
            swaps(moves, many, returns)
            paths = canaries(moves, callers, rounds)
    return told(moves, callers, paths, goals)


def told(moves: Moves, callers: Callers, paths: list[dict[str, list[str]]], goals: Goals) -> dict[str, Any]:
    for wrong in callers.wrong[:5]:
        print("wrong:", str(wrong)[:300])
    turned = sum(len(path) > 2 for each in paths for path in each.values())
    goals.at_most("failed or mixed-up answers", len(callers.wrong), 0)
    goals.at_most("callers a sticky canary took back a version from", turned, 0)
    by: Callable[[int], dict[str, int]] = lambda at: dict(sorted(summed(callers.answers, at).items()))  # noqa: E731
    return {
        "answers": callers.answers.total(), "answers by protocol": by(0), "answers by version": by(1),
        "moves": {kind: len(taken) for kind, taken in moves.seconds.items()},
        "seconds of a move": {kind: spread(taken) for kind, taken in moves.seconds.items()},
        "sticky callers watched": sum(map(len, paths)),
    }  # fmt: skip


def summed(counts: Counter[tuple[str, str]], at: int) -> Counter[str]:
    """COUNTS by one of the two words of their keys."""
    found: Counter[str] = Counter()
    for key, count in counts.items():
        found[key[at]] += count
    return found


def main() -> None:
    given, goals = arguments(__doc__).parse_args(), Goals()
    found = figures(given.quick, goals)
    report("swaps", __doc__, found, goals, given, "answers are checked against value = a + 1000 * version")


if __name__ == "__main__":
    main()
