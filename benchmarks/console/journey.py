"""How long is it, and how many clicks, from an empty workspace to the first answer of an endpoint, in a browser?

A Chromium does the main job as the test does (tests/console/browser/journey.py): a CSV of 400 rows is brought, a target
chosen, budgets set; the job is watched, its ledger read, a record sent.  Seconds and clicks by milestone, from Home on;
`aimass up` and signing in come before.

    python benchmarks/console/journey.py --runs 3 --record
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # record
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # tests/console/browser

from tests.console.browser.journey import BUDGETS, Told, few_columns, main_job
from tests.console.browser.watched import FLAGS, Site, opening, program
from tests.console.up.test_supervisor import up

import record
from aimass.console.up import state as file
from aimass.runner.workspace import Workspace

GOAL = 9  # clicks


def journey(chromium: Any, folder: Path) -> Told:
    """One journey in a workspace of its own."""
    data, space = few_columns(folder / "customers.csv"), folder / "space"
    with up(space):
        state = file.read(space)
        assert state is not None
        with opening(chromium, Site(state.console, Workspace(space))) as opened:
            watched, told = opened(), Told()
            main_job(watched, data, "bought", BUDGETS, told)
            watched.complaints.clear()  # that the endpoint is not there yet
    return told


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--record", action="store_true")
    given = arguments.parse_args()
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program(), args=FLAGS,
                                              ignore_default_args=["--headless=old"])  # fmt: skip
        for number in range(given.runs):
            with tempfile.TemporaryDirectory() as folder:
                found.append(journey(chromium, Path(folder)).marks)
            print(f"journey {number + 1}: {found[-1]}", flush=True)
        chromium.close()
    seconds = {what: record.median_and_interval([marks[what][0] for marks in found]) for what in found[0]}
    clicks = max(marks[what][1] for marks in found for what in marks)
    print(f"clicks: {clicks}, goal {GOAL}: {'met' if clicks <= GOAL else 'missed'}")
    figures = {"seconds": seconds, "clicks": clicks, "budgets": BUDGETS}
    if given.record:
        record.write("journey", str(__doc__).splitlines()[0], figures, ["aimass", "fastapi", "playwright"])
    return int(clicks > GOAL)


if __name__ == "__main__":
    raise SystemExit(main())
