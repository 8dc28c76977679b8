"""Endpoints that need somebody: too many of their answers were faults of ours."""

from __future__ import annotations

from collections.abc import Collection

from aimass.console.endpoints.ring import Ring
from aimass.console.wellbeing import Need

ENOUGH = 20  # answers within the last minutes before anything is said
MANY = 0.05  # share of them that are faults


def troubles(ring: Ring, only: Collection[str] | None = None) -> list[Need]:
    """What RING has seen of late that a person has to decide about, the worst first; of ONLY these names, if given."""
    found = []
    for name in ring.names():
        if only is not None and name not in only:
            continue
        now = ring.figures(name)
        if now["answers"] >= ENOUGH and now["error_share"] > MANY:
            found.append((now["error_share"], name, now["answers"]))
    return [_need(name, share, answers) for share, name, answers in sorted(found, reverse=True)]


def _need(name: str, share: float, answers: int) -> Need:
    why = f"of {answers} in the last minutes; the version that answers may be at fault"
    what, do = f"{name}: {share:.0%} of its answers are errors", f"Roll back {name}"
    return Need(what, why, do, f"#/endpoints/{name}?act=rollback")
