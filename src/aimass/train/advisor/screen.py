"""Stage 2: one candidate on top of the incumbent: built, timed in pairs, then judged by every rule there is."""

from __future__ import annotations

from functools import partial

from aimass.train.advisor import rule
from aimass.train.advisor.candidates import Candidate, Facts
from aimass.train.advisor.conflicts import conflict
from aimass.train.advisor.control import void
from aimass.train.advisor.diagnose import bound, touched
from aimass.train.advisor.guard import guard
from aimass.train.advisor.paired import MOST_PAIRS, WORTH, Pairs, screened
from aimass.train.advisor.ratio import Ratio
from aimass.train.advisor.record import Row, names
from aimass.train.advisor.session import Ready, Refusal, Session
from aimass.train.plan import DEFAULT, USER, Plan


def sift(session: Session, candidate: Candidate, plan: Plan) -> str:
    """ "" or why CANDIDATE is not even tried on top of PLAN.  Its row gets its share and bound."""
    share = touched(session.shares, candidate.touches)
    session.tell([candidate.name], share=share, bound=bound(share))
    if why := excluded(session.bench.facts, candidate, plan):
        return why
    if bound(share) < WORTH:
        return f"it touches {share:.1%} of a step: {bound(share):.2f}x at most"
    return ""


def excluded(facts: Facts, candidate: Candidate, plan: Plan) -> str:
    """ "" or why CANDIDATE would be no change of PLAN, or none that may be made on a machine with these FACTS."""
    values = {name: getattr(plan, name) for name in candidate.changes}
    if values == dict(candidate.changes):
        return f"the plan has {names(values)} already"
    if chosen := [name for name in values if plan.origins.get(name, DEFAULT).kind == USER.kind]:
        return f"{' and '.join(chosen)} was chosen by the user"
    return candidate.applies(facts, plan) or conflict(facts, plan.having(**candidate.changes))


def screen(session: Session, candidate: Candidate, safe: Ready, incumbent: Ready) -> Ready | None:
    """CANDIDATE on top of INCUMBENT, ready to be adopted; None when refused.  Its row says what was found."""
    try:
        new = session.ready(incumbent.plan.having(**candidate.changes))
    except Refusal as refusal:
        _refuse(session, candidate, str(refusal))
        return None
    try:
        why = _judge(session, candidate, safe, incumbent, new)
    except Refusal as refusal:
        why = str(refusal)
    if not why:
        return new
    session.close(new)
    _refuse(session, candidate, why)
    return None


def _refuse(session: Session, candidate: Candidate, why: str) -> None:
    session.tell([candidate.name], decision="refused", reason=why)
    session.note(f"{candidate.name} refused: {why}")


def _judge(session: Session, candidate: Candidate, safe: Ready, incumbent: Ready, new: Ready) -> str:
    """ "" or the first rule against it: speed, memory, break-even, control, numerics; cheap ones first."""
    ratio = timed(session, incumbent, new)
    memory = rule.memory_share(new.trial.peak_bytes, session.bench.facts)
    steps = rule.break_even(new.setup - incumbent.setup, incumbent.block.seconds, ratio)
    session.tell([candidate.name], ratio=ratio, memory=memory, break_even=steps)
    if (
        why := rule.fast_enough(ratio, session.worth)
        or rule.fits(memory)
        or rule.pays(steps, session.step, session.bench.facts)
    ):
        return why
    if why := void(session, candidate, incumbent, new):
        return why
    good, told = guard(session, candidate.kind, safe, incumbent, new)
    session.tell([candidate.name], numerics=f"{'ok' if good else 'wrong'}: {told}")
    return "" if good else f"{ratio}, but {told}"


def timed(session: Session, incumbent: Ready, new: Ready) -> Ratio:
    """Pairs of INCUMBENT and NEW until the answer is plain, the confirmation's time untouched."""
    pairs = Pairs(incumbent.block, new.block, session.watch, session.random, session.limits)
    deadline = session.deadline - session.reserve(new.setup) - session.guard_seconds
    return pairs.until(partial(screened, worth=session.worth), most=MOST_PAIRS, deadline=deadline)


def propose(session: Session, candidate: Candidate, incumbent: Ready) -> None:
    """Time a candidate of class A: refused when it is not faster, else proposed and left to the user."""
    try:
        new = session.ready(incumbent.plan.having(**candidate.changes))
    except Refusal as refusal:
        return _refuse(session, candidate, str(refusal))
    ratio = timed(session, incumbent, new)
    session.close(new)
    session.tell([candidate.name], ratio=ratio)
    if why := rule.fast_enough(ratio, session.worth):
        return _refuse(session, candidate, why)
    reason = "it changes the algorithm: faster steps are no reason; compare the time to a target over three seeds"
    session.tell([candidate.name], decision="proposed", reason=reason)


def row_of(candidate: Candidate) -> Row:
    """Before anything was looked at."""
    return Row(candidate.name, candidate.kind, candidate.changes, reason="the time was up")


def shares_after(shares: dict[str, float], candidate: Candidate, ratio: Ratio) -> dict[str, float]:
    """Shares of a step once CANDIDATE has made it RATIO times faster, all of it in the parts it touches."""
    share = min(1.0, sum(shares.get(part, 0.0) for part in candidate.touches))
    left = max(0.0, share - (1 - 1 / ratio.value)) / share if share else 1.0
    times = {part: left if part in candidate.touches else 1.0 for part in shares}
    return {part: min(1.0, value * times[part] * ratio.value) for part, value in shares.items()}
