"""Long curves made short enough to look at, without losing what stands out."""

from __future__ import annotations

from collections.abc import Sequence

from aimass.core.errors import InputError

Sample = tuple[float | None, float, float]  # position (epoch), value, time
FEWEST = 4


def thin(curve: Sequence[Sample], most: int) -> list[Sample]:
    """At most MOST points of CURVE, in order: the first, the last, and of equal stretches the lowest and the highest.

    So the extremes of the whole are kept, and every spike within a stretch's width of where it was.
    Raises InputError for a MOST below 4.
    """
    if most < FEWEST:
        raise InputError(f"a curve of {most} points", expected=f"{FEWEST} at least", key="points")
    if len(curve) <= most:
        return list(curve)
    inner, stretches = len(curve) - 2, (most - 2) // 2
    kept = {0, len(curve) - 1}
    for number in range(stretches):
        stretch = range(1 + number * inner // stretches, 1 + (number + 1) * inner // stretches)
        kept |= {min(stretch, key=lambda i: curve[i][1]), max(stretch, key=lambda i: curve[i][1])}
    return [curve[i] for i in sorted(kept)]
