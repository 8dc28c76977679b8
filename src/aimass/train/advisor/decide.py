"""The last word: a confirmed figure, every rule once more for the plan as a whole, and the advice that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aimass.train.advisor import rule
from aimass.train.advisor.confirm import Confirmed, confirm
from aimass.train.advisor.guard import guard
from aimass.train.advisor.record import Advice, names
from aimass.train.advisor.session import CONFIRMING, Ready, Refusal, Session
from aimass.train.plan import Origin, Plan


def decide(session: Session, changes: Mapping[str, Any]) -> Advice:
    """CHANGES confirmed and judged as a whole; what fails here is refused as a whole."""
    if not changes:
        return kept(session, "kept", _nothing(session))
    session.note(f"confirming {names(changes)}")
    confirmed, why = _confirmed(session, changes)
    if confirmed and not why:
        return adopted(session, changes, confirmed)
    tried = [row.candidate for row in session.rows.values() if row.decision == "adopted" and row.ratio]
    session.tell(tried, decision="refused", reason=f"not confirmed: {why}")
    advice = kept(session, "kept", f"{names(changes)} not confirmed: {why}")
    return replace(advice, ratio=confirmed.ratio, how=confirmed.how) if confirmed else advice


def again(session: Session, known: Advice, safe: Ready) -> Advice | None:
    """KNOWN once more: guarded against SAFE and confirmed now, or None.

    That nothing helped needs no proof: nothing changes.
    """
    session.rows = {row.candidate: row for row in known.rows}
    if not known.changes:
        return replace(known, plan=told(session, session.base), reused=True)
    confirmed, why = None, _differs(session, known.changes, safe)
    if not why:
        confirmed, why = _confirmed(session, known.changes)
    if confirmed and not why:
        advice = adopted(session, known.changes, confirmed)
        return replace(advice, shares=known.shares, step=known.step, reused=True)
    session.note(f"{names(known.changes)} was adopted once and is not now ({why}): searching again")
    session.rows = {}
    return None


def _differs(session: Session, changes: Mapping[str, Any], safe: Ready) -> str:
    """ "" or what CHANGES compute otherwise than SAFE: rows, losses and code may be others than they were."""
    try:
        new = session.cold(session.base.having(**changes))
        good, told = guard(session, "P" if "precision" in changes else "E", safe, safe, new)
    except Refusal as refusal:
        return str(refusal)
    session.close(new)
    return "" if good else told


def adopted(session: Session, changes: Mapping[str, Any], confirmed: Confirmed) -> Advice:
    """The base with CHANGES, each field saying that it was measured."""
    ratio, how = confirmed.ratio, confirmed.how
    origin = Origin("measured", round(ratio.value, 4), round(ratio.low, 4), round(ratio.high, 4), how)
    plan = told(session, session.base.having(origin, **changes))
    reason = f"{names(changes)}: {ratio}, {how}"
    return Advice(plan, tuple(session.rows.values()), "adopted", reason, changes, ratio, how)


def kept(session: Session, verdict: str, why: str) -> Advice:
    """The base as it is, and WHY."""
    return Advice(told(session, session.base), tuple(session.rows.values()), verdict, why)


def told(session: Session, plan: Plan) -> Plan:
    """PLAN with the reason in each field that a refused candidate would have changed and nothing else did."""
    for row in session.rows.values():
        reason = f"{row.candidate}: {row.reason}"
        for name in row.changes:
            if row.decision == "refused" and name not in plan.origins:
                plan = plan.because(name, Origin("refused", reason=reason))
    return plan


def _confirmed(session: Session, changes: Mapping[str, Any]) -> tuple[Confirmed | None, str]:
    """The figure of CHANGES, and "" or the first rule that the whole plan breaks."""
    try:
        confirmed = confirm(session, changes)
    except Refusal as refusal:
        return None, str(refusal)
    ratio, facts = confirmed.ratio, session.bench.facts
    others = [row for row in session.rows.values() if row.ratio and row.decision != "adopted"]
    why = (
        rule.enough(ratio, CONFIRMING)
        or rule.fast_enough(ratio, session.worth)
        or rule.sure(ratio, {row.candidate: row.ratio.chance for row in others if row.ratio})
        or rule.fits(rule.memory_share(confirmed.peak_bytes, facts))
        or rule.pays(rule.break_even(confirmed.setup, session.step, ratio), session.step, facts)
    )
    return confirmed, why


def _nothing(session: Session) -> str:
    """Why no candidate was adopted, in one clause."""
    decisions = [row.decision for row in session.rows.values()]
    tried, missed = decisions.count("refused"), decisions.count("not reached")
    text = f"{tried} tried and refused" if tried else "no candidate was tried"
    return f"{text}, {missed} not reached in {session.seconds:.0f} s" if missed else text
