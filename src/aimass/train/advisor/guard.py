"""Is a faster plan still the same training?  Exact candidates are held against the incumbent, fewer bits against
the safe plan.  Class A never gets here: what changes the algorithm is not adopted for speed.
"""

from __future__ import annotations

from aimass.train.advisor import exact, fewer_bits
from aimass.train.advisor.bench import Scaled
from aimass.train.advisor.session import Ready, Session

LEAST_STEPS = 10
SEEDS = 2  # further ones, when the gap alone is too large

Verdict = tuple[bool, str]


def guard(session: Session, kind: str, safe: Ready, incumbent: Ready, new: Ready) -> Verdict:
    """Whether NEW's numbers may be trusted, and why in words.  Raises Refusal when they cannot be computed."""
    if kind == "P":
        return _fewer_bits(session, safe, new)
    return _exact(session, incumbent, new)


def steps_for(session: Session, wanted: int, each: float) -> tuple[int, str]:
    """Steps of a guard: WANTED, or what its share of the seconds allows when all need EACH seconds a step."""
    count = max(LEAST_STEPS, min(wanted, int(session.guard_seconds / max(each, 1e-9))))
    return count, "" if count == wanted else f" ({count} of {wanted} steps: small budget)"


def _exact(session: Session, incumbent: Ready, new: Ready) -> Verdict:
    count, short = steps_for(session, exact.STEPS, 2 * incumbent.block.seconds + new.block.seconds)
    order = session.cold(exact.other_order(incumbent.plan, session.bench.facts))
    precision = incumbent.plan.precision
    try:
        good, told = exact.judge_gradients(new.gradients(), incumbent.gradients(), order.gradients(), precision)
        if not good:
            return False, told
        new_losses, base, again = (ready.losses(count) for ready in (new, incumbent, order))
    finally:
        session.close(order)
    good, also = exact.judge_losses(new_losses, base, again, precision)
    return good, f"{told}; {also}{short}" if good else also


def _fewer_bits(session: Session, safe: Ready, new: Ready) -> Verdict:
    good, told = fewer_bits.judge_gradients(new.gradients(), safe.gradients())
    if not good:
        return False, f"{told}, {fewer_bits.COSINE} at least"
    count, short = steps_for(session, fewer_bits.STEPS, safe.block.seconds + new.block.seconds)
    base, found = safe.losses(count), new.losses(count)
    gap, allowed = fewer_bits.loss_gap(found, base), fewer_bits.GAP
    if allowed < gap < float("inf"):  # only then is it worth knowing how much chance alone does
        allowed = max(allowed, 2 * fewer_bits.seed_spread([base, *_other_seeds(session, safe, count)]))
    verdicts = [fewer_bits.judge_losses(gap, allowed, found)]
    if new.plan.precision == "fp16":
        verdicts.append(_skips(new))
    failed = [text for fine, text in verdicts if not fine]
    return not failed, "; ".join(failed or [told, *(text for _, text in verdicts)]) + ("" if failed else short)


def _skips(new: Ready) -> Verdict:
    if not isinstance(new.trial, Scaled):
        return False, "it does not tell which updates were skipped"
    return fewer_bits.judge_skips(new.trial.skipped)


def _other_seeds(session: Session, safe: Ready, count: int) -> list[list[float]]:
    """Losses of the safe plan from other weights and another order of rows."""
    found = []
    for seed in range(1, SEEDS + 1):
        other = session.cold(safe.plan.having(seed=safe.plan.seed + seed))
        found.append(other.losses(count))
        session.close(other)
    return found
