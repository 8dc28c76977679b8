"""Does the console keep its goals: how soon it is there, how live, how it bears 5,000 runs, and what it costs?

A Chromium looks at `aimass up` over a seeded store, on one machine; times are taken in the page, from the event to the
frame that shows its effect.  Numbers are those of the design's goals: 13 to 18 are tests, 21 is the time that CI
takes for them, and there is no page with parallel coordinates (8) yet.

    python benchmarks/console/goals.py --record            # about twelve minutes
    python benchmarks/console/goals.py --long --record     # what ten minutes and 1,100 tabs leave behind
    python benchmarks/console/goals.py --quick --only 4,5  # to see that it works
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # record
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # tests, benchmarks

import first
import graph
import install
import large
import live
import tabs
from lines import Lines
from place import QUICK, Place, Size, place

from record import write

GOALS: dict[int, Callable[[Place, Lines], None]] = {
    1: first.paint, 2: first.answered, 3: first.weight, 4: live.late, 5: live.recovered, 6: large.listed,
    7: large.compared, 9: large.searched, 10: tabs.memory, 11: tabs.busy, 12: live.ten, 19: install.fresh,
    20: install.packages, 22: graph.drawn,
}  # fmt: skip
LONG = (tabs.hours, tabs.returned)
PACKAGES = ["aimass", "fastapi", "uvicorn", "websockets", "sqlalchemy", "playwright", "netron"]
NOTE = "SQLite on a disk; 'of' is how many were seen, 'p95' the one of them that 5 % exceed"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small store and few repeats; its figures mean nothing")
    parser.add_argument("--only", default="", help="numbers of goals with commas between")
    parser.add_argument("--long", action="store_true", help="what a long time leaves behind, instead of the goals")
    parser.add_argument("--record", action="store_true", help="write a record; only on a quiet machine")
    given = parser.parse_args()
    given.wanted = [int(word) for word in given.only.split(",") if word] or list(GOALS)
    if strange := [number for number in given.wanted if number not in GOALS]:
        parser.error(f"nothing is measured of goal {strange[0]}; known: {', '.join(map(str, GOALS))}")
    return given


def main() -> int:
    given, lines, seconds = arguments(), Lines(), dict[str, float]()
    questions: dict[str, Any] = {one.__name__: one for one in LONG} if given.long else {
        str(number): GOALS[number] for number in given.wanted}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, place(QUICK if given.quick else Size(), Path(folder)) as here:
        for name, question in questions.items():
            begun = time.perf_counter()
            question(here, lines)
            seconds[name] = round(time.perf_counter() - begun, 1)
        browser = f"Chromium {here.chromium.version}"
    print(f"seconds by goal: {seconds}\nmissed: {lines.missed or 'none'}")
    if given.record and not given.quick:
        figures = {"browser": browser, "goals": lines.found, "spreads": lines.spreads, "seconds": seconds}
        write("console-long" if given.long else "console-goals", str(__doc__).splitlines()[0], figures, PACKAGES, NOTE)
    return int(bool(lines.missed))


if __name__ == "__main__":
    raise SystemExit(main())
