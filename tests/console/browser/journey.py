"""The main job, as a person does it: from an empty workspace to an answer, with clicks only.

The names of what is clicked are those that a screen reader says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.console.browser.conftest import PATIENCE, Watched

MINUTES = 180_000  # milliseconds for a whole run on a busy machine
Mark = Callable[[str], None]


@dataclass
class Told:
    """What the journey saw: seconds since its beginning by milestone, clicks until then."""

    begun: float = field(default_factory=time.monotonic)
    marks: dict[str, tuple[float, int]] = field(default_factory=dict)

    def mark(self, what: str, watched: Watched) -> None:
        self.marks[what] = (round(time.monotonic() - self.begun, 2), watched.clicks)


def choose_file(watched: Watched, path: Path) -> None:
    """One click opens the dialog of the system, which is not ours to count."""
    watched.page.locator("input[type=file]:enabled").set_input_files(path)
    watched.clicks += 1


def to_start(watched: Watched, data: Path, target: str, budgets: dict[str, str], told: Told) -> None:
    """From Home to a job that has begun."""
    page = watched.page
    watched.click("link", "Start here")
    watched.heading("New project")
    choose_file(watched, data)
    page.get_by_role("button", name="Use this file").and_(page.locator(".primary")).wait_for(timeout=PATIENCE)
    told.mark("looked at", watched)
    watched.click("button", "Use this file")
    watched.click("radio", target)
    for label, value in budgets.items():
        page.get_by_label(label).fill(value)
    start = page.get_by_role("button", name="Start", exact=True).and_(page.locator(":enabled"))
    start.wait_for(timeout=PATIENCE)
    told.mark("drafted", watched)


def watch(watched: Watched, told: Told) -> None:
    """The job works; nobody touches the page."""
    watched.click("button", "Start", exact=True)
    page = watched.page
    page.get_by_role("list", name="Stages").wait_for(timeout=PATIENCE)
    told.mark("started", watched)
    page.get_by_role("row", name="train").first.wait_for(timeout=MINUTES)
    told.mark("trains", watched)
    page.get_by_role("region", name="What came of it").wait_for(timeout=MINUTES)
    told.mark("over", watched)


def published(watched: Watched) -> str:
    """The version that the page says was published."""
    heading: str = watched.page.get_by_role("region", name="What came of it").get_by_role("heading").inner_text()
    assert "Published" in heading, heading
    return heading.split("Published ")[1].split()[0]


def seen(page: Any, words: str) -> bool:
    return bool(page.get_by_text(words).count())
