"""What do two worker processes bring against one, and how long is one away that was killed?

Rounds by turns, nothing pinned; then one of two workers is killed again and again under load. Two workers need two
cores, and those who ask need others: the ratio is a goal from four cores on, and below them only a figure.

    python benchmarks/serving/workers.py --record        # about two minutes
"""

from __future__ import annotations

import os
import signal
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from scene import Goals, Running, arguments, asked, report, serving, spread, wrk

from models import body_of, tab_and_cnn
from record import median_and_interval

ENOUGH = 4  # cores
PATH = "/v2/models/tab/infer"
PAUSE = 0.5  # seconds between a return and the next death


def workers(server: Running) -> list[dict[str, Any]]:
    return list(server.said("/v1/health", method="GET")["workers"])


def rates(folder: Path, rounds: int, seconds: float) -> dict[int, list[float]]:
    """Requests a second by the number of workers, a window a round."""
    found: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for count, windows in found.items():
            with serving(folder, "--name", "tab", "--workers", str(count), core=None) as server:
                load = {"connections": 64, "core": None, "threads": 2}
                asked(server.port, PATH, body_of("tab"), seconds=1, **load)
                seen = asked(server.port, PATH, body_of("tab"), seconds=seconds, **load)
                if seen.failed:
                    raise RuntimeError(f"{seen.failed} requests failed with {count} workers")
                windows.append(seen.rate)
    return found


def away(folder: Path, kills: int) -> tuple[list[float], int]:
    """Seconds from each death to a successor that answers, under load; and connections that ended without answers."""
    taken = list[float]()
    more = ("--name", "tab", "--workers", "2", "--worker-failures", str(10 * kills), "--worker-window", "0.1")
    with serving(folder, *more, core=None) as server:
        seconds = kills * (2 + PAUSE) + 2
        with wrk(server.port, PATH, body_of("tab"), connections=16, seconds=seconds, core=None) as found:
            for i in range(kills):
                time.sleep(PAUSE)
                before, begin = workers(server)[i % 2], time.perf_counter()
                os.kill(before["pid"], signal.SIGKILL)
                while (now := workers(server)[i % 2])["state"] != "ready" or now["pid"] == before["pid"]:
                    time.sleep(0.01)
                taken.append(time.perf_counter() - begin)
    return taken, found[0].failed


def figures(folder: Path, quick: bool, goals: Goals) -> dict[str, Any]:
    rounds, seconds, kills = (1, 1.0, 2) if quick else (7, 3.0, 12)
    by, (taken, failed) = rates(folder, rounds, seconds), away(folder, kills)
    ratios = [two / one for one, two in zip(by[1], by[2], strict=True)]
    cores = len(os.sched_getaffinity(0))
    if cores >= ENOUGH:
        goals.at_least("requests a second of two workers : of one", statistics.median(ratios), 1.8)
    else:
        print(f"{cores} cores: the ratio says nothing of two workers, which share them with those who ask")
    goals.at_most("seconds until a killed worker is back", max(taken), 2.0)
    return {
        "cores": cores, "two over one": median_and_interval(ratios),
        "requests a second": {str(count): median_and_interval(found) for count, found in by.items()},
        "seconds until a killed worker is back": spread(taken), "deaths": kills, "connections that ended": failed,
    }  # fmt: skip


def main() -> None:
    given, goals = arguments(__doc__).parse_args(), Goals()
    with tempfile.TemporaryDirectory() as folder:
        found = figures(tab_and_cnn(given.models, Path(folder))["tab"], given.quick, goals)
    report("workers", __doc__, found, goals, given, "tab as V2 JSON; nothing is pinned")


if __name__ == "__main__":
    main()
