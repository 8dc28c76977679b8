"""The negative control: a part that a candidate cannot touch must not move, else what was seen was no effect of it."""

from __future__ import annotations

from aimass.train.advisor.bench import Phase
from aimass.train.advisor.candidates import Candidate
from aimass.train.advisor.paired import Block, Pairs, warm_up
from aimass.train.advisor.session import Ready, Session, attempt

CONTROLS = ("update", "forward", "data")
PAIRS = 8
BLOCK = 0.01  # seconds: a coarse look is enough
MOVED = 0.05  # the noise that a machine may have at most
LEAST_SHARE = 0.002  # of a step: less than that is the clock's own noise


def void(session: Session, candidate: Candidate, incumbent: Ready, new: Ready) -> str:
    """ "" or why the trial is void: CANDIDATE moved a part it cannot touch by more than 5 %, 99 % sure."""
    theirs, mine = incumbent.trial.phases(), new.trial.phases()
    shares, touched = session.shares, candidate.touches
    able = [name for name in CONTROLS if name not in touched and shares.get(name, 0) >= LEAST_SHARE]
    name = next((name for name in able if name in theirs and name in mine), "")
    if not name:
        return ""
    base, other = (_warm(session, phases[name]) for phases in (theirs, mine))
    pairs = Pairs(base, other, session.watch, session.random, session.limits)
    ratio = pairs.until(lambda r: r.pairs >= PAIRS, most=PAIRS, deadline=session.deadline, confidence=0.99)
    if ratio.bounded and (ratio.low > 1 + MOVED or ratio.high < 1 / (1 + MOVED)):
        return f"void: it cannot touch the {name}, yet that moved by {ratio}"
    return ""


def _warm(session: Session, phase: Phase) -> Block:
    return attempt(lambda: warm_up(phase, session.watch, BLOCK, limit=0.1))
