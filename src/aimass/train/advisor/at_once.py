"""Advice for a short run: what usually helps is tried at once, as one change of the baseline.

Nothing is chosen among several, so there is no winner's curse to undo: its first twenty pairs are the confirmation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aimass.train.advisor import exact, rule
from aimass.train.advisor.candidates import Candidate, Facts
from aimass.train.advisor.confirm import Confirmed
from aimass.train.advisor.decide import adopted, kept
from aimass.train.advisor.guard import LEAST_STEPS, Verdict, guard
from aimass.train.advisor.paired import HOPELESS, LEAST_PAIRS, NEARLY, Pairs
from aimass.train.advisor.ratio import Ratio
from aimass.train.advisor.record import Advice, names
from aimass.train.advisor.screen import excluded, row_of
from aimass.train.advisor.session import CONFIRMING, WARM_BLOCKS, Ready, Refusal, Session
from aimass.train.plan import Plan

USUAL = ("bf16", "tf32", "channels-last", "fused update")  # nothing to compile, and seldom slower where they apply
GUARDING = 3 * (LEAST_STEPS + 1)  # steps of the shortest guard: losses and gradients of three plans


def usual(table: Sequence[Candidate], facts: Facts, plan: Plan) -> list[Candidate]:
    """Those of TABLE that usually help, and can be adopted together on a machine with these FACTS instead of PLAN."""
    found: list[Candidate] = []
    for candidate in table:
        fresh = candidate.name in USUAL and not changes_of(found).keys() & candidate.changes.keys()
        if fresh and not excluded(facts, candidate, plan):
            found.append(candidate)
            plan = plan.having(**candidate.changes)
    return found


def price(step: float, block: float, build: float) -> float:
    """Seconds that a STEP, a BLOCK of them and BUILD seconds a trial make of it all: the noise floor's pairs too."""
    return 2 * build + (2 * WARM_BLOCKS + 2 * LEAST_PAIRS + 2 * CONFIRMING) * block + GUARDING * step


def price_of(session: Session, safe: Ready) -> float:
    """Its price, where the baseline is SAFE."""
    return price(session.step, safe.block.length, session.build_seconds)


def price_after_floor(session: Session, safe: Ready) -> float:
    """What of it is left to pay when the noise floor is known."""
    return price_of(session, safe) - 2 * LEAST_PAIRS * safe.block.length


def at_once(session: Session, safe: Ready, table: Sequence[Candidate], taken: Sequence[Candidate]) -> Advice:
    """All of TAKEN against SAFE: adopted together, or refused together; the others of TABLE are not reached."""
    facts, base, told = session.bench.facts, session.base, [candidate.name for candidate in taken]
    session.rows = {candidate.name: row_of(candidate) for candidate in table}
    for candidate in table:
        if candidate.name not in told and (why := excluded(facts, candidate, base)):
            session.tell([candidate.name], decision="skipped", reason=why)
        elif candidate.name not in told:
            session.tell([candidate.name], reason="a short run: only what usually helps is tried, all at once")
    changes = changes_of(taken)
    if session.left() < NEARLY * price_after_floor(session, safe):
        return kept(session, "too short", f"{session.left():.1f} s are left, too few for {CONFIRMING} pairs")
    session.note(f"a short run, so at once: {names(changes)}")
    try:
        confirmed, why = _judged(session, safe, taken, changes)
    except Refusal as refusal:
        confirmed, why = None, str(refusal)
    if confirmed and not why:
        beside = f"{confirmed.ratio}, all at once"
        session.tell(told, decision="adopted", reason=beside)
        return adopted(session, changes, confirmed)
    session.tell(told, decision="refused", reason=f"{', '.join(told)} at once: {why}" if len(told) > 1 else why)
    few = confirmed and confirmed.ratio.pairs < CONFIRMING and confirmed.ratio.high >= HOPELESS
    return kept(session, "too short" if few else "kept", f"{names(changes)}: {why}")


def _judged(
    session: Session, safe: Ready, taken: Sequence[Candidate], changes: dict[str, Any]
) -> tuple[Confirmed, str]:
    """The figure of CHANGES, and "" or the first rule that they break.  Raises Refusal when they cannot be built."""
    facts, told = session.bench.facts, [candidate.name for candidate in taken]
    new = session.ready(session.base.having(**changes))
    ratio = _timed(session, safe, new)
    memory, setup = rule.memory_share(new.trial.peak_bytes, facts), max(0.0, new.setup - safe.setup)
    steps = rule.break_even(setup, session.step, ratio)
    session.tell(told, ratio=ratio, memory=memory, break_even=steps)
    how = f"{ratio.pairs} pairs in the same process: a short run, nothing else was tried"
    confirmed = Confirmed(ratio, how, setup, new.trial.peak_bytes)
    hopeless = rule.fast_enough(ratio, session.worth) if ratio.high < HOPELESS else rule.enough(ratio, CONFIRMING)
    why = (
        hopeless or rule.fast_enough(ratio, session.worth) or rule.fits(memory) or rule.pays(steps, session.step, facts)
    )
    if why:
        return confirmed, why
    good, numerics = _guarded(session, safe, taken, new)
    session.tell(told, numerics=f"{'ok' if good else 'wrong'}: {numerics}")
    return confirmed, "" if good else f"{ratio}, but {numerics}"


def _guarded(session: Session, safe: Ready, taken: Sequence[Candidate], new: Ready) -> Verdict:
    """Exact changes by themselves first: beside fewer bits, what they do wrong could hide."""
    exactly = [candidate for candidate in taken if candidate.kind == "E"]
    if len(exactly) == len(taken):
        return guard(session, "E", safe, safe, new)
    if exactly:
        base = session.base
        alone = session.cold(base.having(**changes_of(exactly)))
        order = session.cold(exact.other_order(base, session.bench.facts))
        found = exact.judge_gradients(alone.gradients(), safe.gradients(), order.gradients(), base.precision)
        session.close(alone)
        session.close(order)
        if not found[0]:
            return found
    return guard(session, "P", safe, safe, new)


def _timed(session: Session, safe: Ready, new: Ready) -> Ratio:
    """Twenty pairs, fewer when they show soon that there is nothing to gain or the time is up."""
    pairs = Pairs(safe.block, new.block, session.watch, session.random, session.limits)
    deadline = session.deadline - GUARDING * session.step
    return pairs.until(lambda ratio: ratio.high < HOPELESS, most=CONFIRMING, deadline=deadline)


def changes_of(taken: Sequence[Candidate]) -> dict[str, Any]:
    """The fields that all of TAKEN change, as one."""
    return {name: value for candidate in taken for name, value in candidate.changes.items()}
