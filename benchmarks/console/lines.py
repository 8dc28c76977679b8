"""What was seen of each goal, a line each: printed as it is found, met or missed, and kept for the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.serving.scene import Goals, spread


class Lines(Goals):
    """Goals of many values: each line says which of their numbers is held against the goal."""

    def __init__(self) -> None:
        super().__init__()
        self.spreads: dict[str, dict[str, float]] = {}

    def many(self, what: str, values: Sequence[float], bound: float | None = None, which: str = "p95") -> None:
        """VALUES, of which WHICH ("median", "p95", "high") is to be BOUND at most; without one they are only told."""
        self.spreads[what] = found = spread(values)
        print(f"       {what}: {found}", flush=True)
        if bound is None:
            self.told(f"{what}, {which}", found[which])
        else:
            self.at_most(f"{what}, {which}", found[which], bound)

    def told(self, what: str, seen: Any) -> None:
        """SEEN, of which no goal says anything."""
        self.found[what] = {"seen": seen}
        print(f"told   {what}: {f'{seen:.4g}' if isinstance(seen, float) else seen}", flush=True)

    @property
    def missed(self) -> list[str]:
        return [what for what, line in self.found.items() if line.get("met") is False]
