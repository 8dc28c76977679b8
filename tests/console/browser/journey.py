"""The main job, as a person does it: from an empty workspace to an answer, with clicks only.

What is clicked is named as a screen reader says it.
"""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.console.browser.watched import PATIENCE, Watched
from tests.whole import tiny

MINUTES = 180_000  # milliseconds for a whole run on a busy machine
BUDGETS = {"and at least": "0.55", "Latency, at most": "2000", "Time, at most": "0.1"}
CLICKS = 9


@dataclass
class Told:
    """Milestones of a journey: seconds since it began, clicks until then."""

    begun: float = field(default_factory=time.monotonic)
    marks: dict[str, tuple[float, int]] = field(default_factory=dict)

    def mark(self, what: str, watched: Watched) -> None:
        self.marks[what] = (round(time.monotonic() - self.begun, 2), watched.clicks)


def main_job(watched: Watched, data: Path, target: str, budgets: dict[str, str], told: Told) -> tuple[str, str]:
    """From Home of an empty workspace to an answer: the version that was published, and what the page says it said."""
    page = watched.page
    watched.open()
    begin(watched, data, target, budgets, told)
    version = watch(watched, told)
    watched.click("link", "Read the ledger")
    page.get_by_role("row", name="adopted").first.wait_for(timeout=PATIENCE)
    told.mark("the ledger is read", watched)
    watched.clicks += 1
    page.go_back()
    watched.click("link", "Send a record")
    page.get_by_role("button", name="Send record").and_(page.locator(":enabled")).wait_for(timeout=MINUTES)
    watched.click("button", "Send record")
    answer = page.get_by_role("region", name="What comes back")
    answer.get_by_text("answered in").wait_for(timeout=PATIENCE)
    told.mark("answered", watched)
    return version, str(answer.inner_text())


def begin(watched: Watched, data: Path, target: str, budgets: dict[str, str], told: Told) -> None:
    """From Home to a job that was asked for."""
    page = watched.page
    watched.click("link", "Start here")
    watched.heading("New project")
    choose_file(watched, data)
    page.get_by_text("as it was sent").wait_for(timeout=PATIENCE)
    told.mark("the file is here and looked at", watched)
    watched.click("button", "Use this file")
    watched.click("radio", target)
    for label, value in budgets.items():
        page.get_by_label(label).fill(value)
    page.get_by_text(f"minutes = {budgets['Time, at most']}").wait_for(timeout=PATIENCE)
    told.mark("the project file is written", watched)
    watched.click("button", "Start", exact=True)
    page.get_by_role("list", name="Stages").wait_for(timeout=PATIENCE)
    told.mark("the job is asked for", watched)


def watch(watched: Watched, told: Told) -> str:
    """The job works and nobody touches the page; the version that it says was published."""
    page = watched.page
    page.get_by_role("row", name="train").first.wait_for(timeout=MINUTES)
    told.mark("the first candidate trains", watched)
    published = page.get_by_role("heading", name="Published")
    published.or_(page.get_by_role("heading", name="Nothing was published")).wait_for(timeout=MINUTES)
    told.mark("the job is over", watched)
    return str(published.inner_text(timeout=1000)).split()[2]


def choose_file(watched: Watched, path: Path) -> None:
    """One click opens the dialog of the system, which is not ours to count."""
    watched.page.locator("input[type=file]:enabled").set_input_files(path)
    watched.clicks += 1


def few_columns(path: Path, rows: int = 400) -> Path:
    """PATH with a number, a category and an answer that follows from them."""
    lines: Any = csv.reader([tiny.HEADER, *tiny.lines(rows)])
    path.write_text("".join(f"{size},{colour},{bought}\n" for size, colour, _, _, bought in lines), encoding="utf-8")
    return path
