"""The progress display: a line a finished step, and for the running one its newest metrics from the catalog."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from aimass.runner.workspace import Workspace

MARKS = {"finished": ("✓", "green"), "reused": ("↻", "cyan"), "failed": ("✗", "red"), "unchanged": ("=", "cyan")}

BAR = 20  # cells


class Progress:
    """Shows a workspace's events while its body runs; on a pipe it prints plain lines only."""

    def __init__(self, workspace: Workspace, console: Console) -> None:
        self.workspace, self.console = workspace, console
        self.running: dict[str, tuple[str, float]] = {}  # run id -> (title, started)
        self.live = Live("", console=console, refresh_per_second=4, transient=True, auto_refresh=False)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._refresh, daemon=True)

    def __enter__(self) -> Progress:
        self.workspace.observe(self.event)
        if self.console.is_terminal:
            self.live.start()
            self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.done.set()
        if self.console.is_terminal:
            self.thread.join()
            self.live.stop()

    def note(self, message: str) -> None:
        self.console.print(f"  {message}", highlight=False, style="dim")

    def event(self, event: Any) -> None:
        """One line when a step ends; its title under the display while it runs."""
        title = f"{event.task.step:9}{event.task.label}"
        if event.kind == "started":
            self.running[event.run] = (title, time.monotonic())
            return
        self.running.pop(event.run, None)
        if event.kind == "waiting":
            self.note(event.text)
            return
        mark, colour = MARKS.get(event.kind, ("·", "white"))
        line = Text.assemble((f"{mark} ", colour), f"{title:48}", (f"{event.seconds:7.1f} s  ", "dim"))
        facts = event.artifact.facts if event.artifact is not None else {}
        line.append("  ".join(f"{k} {_number(v)}" for k, v in facts.items()))
        if event.kind in ("reused", "unchanged"):
            line.append(f"  ({event.kind})", style="cyan")
        self.console.print(line, soft_wrap=True)

    def _refresh(self) -> None:
        while not self.done.wait(0.25):
            lines = [self._line(run, title, begin) for run, (title, begin) in list(self.running.items())]
            self.live.update(Text("\n".join(lines)), refresh=True)

    def _line(self, run: str, title: str, begin: float) -> str:
        newest = self.workspace.latest(run)
        left = newest.pop("seconds_left", None)
        numbers = "  ".join(f"{name} {_number(value)}" for name, value in newest.items())
        spent = time.monotonic() - begin
        spin = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[int(time.monotonic() * 4) % 10]
        return f"{spin} {title:48}{spent:7.1f} s  {_bar(spent, left)}{numbers}"


def _bar(spent: float, left: float | None) -> str:
    """How far a step is that says how long it will still take."""
    if left is None:
        return ""
    full = round(BAR * spent / max(spent + left, 1e-9))
    return f"{'━' * full}{'╌' * (BAR - full)} {left:.0f} s left  "


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
