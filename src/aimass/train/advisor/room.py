"""When memory binds, the plan must shrink before it can be quickened: micro-batches first, then recomputation.

These cost time, so they are no candidates for speed: the first that fits becomes the baseline, at any ratio, once its
gradients agree (micro-batches are normalised by the count of the whole batch; recomputation: Chen et al. 2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass.train.advisor import exact, rule
from aimass.train.advisor.record import Row
from aimass.train.advisor.session import Ready, Refusal, Session
from aimass.train.plan import USER, Origin

MICRO_BATCHES = (2, 4, 8)


def make_room(session: Session, full: Ready) -> Ready:
    """The cheapest plan that fits the memory, FULL itself where memory does not bind or nothing helps.

    FULL is closed first: two of them would not fit.  Raises Refusal when it cannot be built a second time.
    """
    if not rule.fits(rule.memory_share(full.trial.peak_bytes, session.bench.facts)):
        return full
    full.gradients()
    session.close(full)
    for name, changes in _smaller(session, full):
        session.rows[name] = Row(name, "E", changes, reason="the time was up")
        if session.left() < session.screening_cost():
            continue
        if small := _try(session, name, changes, full):
            session.base = small.plan
            session.tell([name], decision="adopted", reason=f"memory binds: {full.trial.peak_bytes:,} bytes without it")
            return small
    return session.ready(full.plan)


def _try(session: Session, name: str, changes: dict[str, Any], full: Ready) -> Ready | None:
    """FULL's plan with CHANGES, if that fits and computes the same."""
    try:
        small = session.ready(full.plan.having(Origin("measured", reason=f"{name}, for want of memory"), **changes))
    except Refusal as refusal:
        session.tell([name], decision="refused", reason=str(refusal))
        return None
    share = rule.memory_share(small.trial.peak_bytes, session.bench.facts)
    why, told = rule.fits(share), ""
    try:
        if not why:
            precision = full.plan.precision
            good, told = exact.judge_gradients(small.gradients(), full.gradients(), full.gradients(), precision)
            why = "" if good else told
    except Refusal as refusal:
        why = str(refusal)
    session.tell([name], memory=share, numerics=told)
    if not why:
        return small
    session.close(small)
    session.tell([name], decision="refused", reason=why)
    return None


def _smaller(session: Session, full: Ready) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and changes, the cheapest in time first; micro-batches change what a batch norm sees."""
    chosen = {name for name, origin in full.plan.origins.items() if origin.kind == USER.kind}
    if not session.bench.facts.get("has_batch_norm", True) and "accumulate" not in chosen:
        for times in MICRO_BATCHES:
            yield f"{times} micro-batches", {"accumulate": times * full.plan.accumulate}
    if "recompute" not in chosen:
        yield "recompute", {"recompute": True}
