"""The advisor, from the noise floor to the ledger, to be read top to bottom.

Its seconds are divided before it starts: the confirmation's are kept aside, then each stage begins only when what
must follow still fits.  A small budget screens the most promising candidates alone and says which were not reached; a
smaller one tries what usually helps at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from aimass.train.advisor import cached, rule
from aimass.train.advisor.at_once import at_once, price_after_floor, price_of, usual
from aimass.train.advisor.bench import Bench
from aimass.train.advisor.candidates import Candidate, candidates
from aimass.train.advisor.confirm import difference
from aimass.train.advisor.decide import again, decide, kept
from aimass.train.advisor.diagnose import sentence, shares_of
from aimass.train.advisor.noise import LEAST, noise_floor
from aimass.train.advisor.record import Advice
from aimass.train.advisor.room import make_room
from aimass.train.advisor.search import Search
from aimass.train.advisor.session import Ready, Refusal, Session
from aimass.train.advisor.watch import Watch

NOISE, LOOK, FRESH = 0.2, 0.08, 0.4  # shares of the seconds: noise floor, diagnosis, confirmation in fresh processes
PROCESSES = 3  # these tell their own spread


def advise(
    bench: Bench,
    *,
    seconds: float,
    seed: int = 0,
    note: Callable[[str], None] = lambda text: None,
    folder: Path | None = None,
    key: str = "",
    anew: bool = False,
    watch: Watch | None = None,
    table: Sequence[Candidate] | None = None,
) -> Advice:
    """The plan to train by, measured within SECONDS (10 % over at most, unless one build takes longer).

    NOTE hears what is being done.  With a FOLDER, advice found for KEY before is confirmed anew instead of searched
    again (unless ANEW), and new advice is kept there.  TABLE replaces the candidates.  Raises what the baseline raises
    when it cannot run, Stopped when the bench says so.
    """
    watch = watch or Watch()
    session = Session(bench, watch, seconds, Random(seed), note, started=watch.now())
    known = cached.load(folder, key) if folder and not anew else None
    try:
        advice = _advised(session, known if known and cached.complete(known, seconds) else None, table)
    finally:
        session.close_all()
    advice = replace(advice, seconds=watch.now() - session.started, budget=seconds)
    if folder and cached.worth_keeping(advice):
        try:
            cached.save(folder, key, advice)
        except OSError as error:
            note(f"the advice cannot be kept for the next time: {error}")
    note(f"{advice.verdict}: {advice.reason}")
    return advice


def _advised(session: Session, known: Advice | None, table: Sequence[Candidate] | None) -> Advice:
    """Noise floor first: without it nothing is tried and nothing known is proven."""
    safe = _baseline(session)
    table = candidates(session.bench.facts) if table is None else table
    taken = _all_at_once(session, safe, table)
    if not taken and (why := _too_short(session)):
        return kept(session, "too short", why)
    floor = noise_floor(safe.block, session.watch, session.random, session.watch.now() + _spell(session, safe, taken))
    session.limits, session.worth = floor.limits, floor.worth
    session.note(f"the baseline against itself: {floor.ratio}")
    if floor.why:
        advice = kept(session, "too noisy", floor.why)
    else:
        tight = rule.fits(rule.memory_share(safe.trial.peak_bytes, session.bench.facts))  # room is made anew each time
        advice = (known and not tight and again(session, known, safe)) or (
            at_once(session, safe, table, taken) if taken else _searched(session, safe, table)
        )
    return replace(advice, floor=floor.ratio)


def _all_at_once(session: Session, safe: Ready, table: Sequence[Candidate]) -> list[Candidate]:
    """What of TABLE to try at once, because the seconds do but for that.

    Nothing where a search could screen twice as many: it may find more, and say what each of them brings.
    """
    taken = usual(table, session.bench.facts, session.base)
    return taken if _too_short(session, 2 * len(taken)) and price_of(session, safe) <= session.left() else []


def _spell(session: Session, safe: Ready, taken: Sequence[Candidate]) -> float:
    """Seconds that the noise floor may take: its share, or all that the rest of a comparison at once leaves."""
    if not taken:
        return NOISE * session.seconds
    return session.left() - price_after_floor(session, safe)


def _searched(session: Session, safe: Ready, table: Sequence[Candidate]) -> Advice:
    """Diagnosis, room in the memory, search, decision."""
    _confirm_where(session)
    until = session.watch.now() + LOOK * session.seconds
    session.shares = shares = shares_of(safe.trial.phases(), session.step, session.watch, until)
    session.note(sentence(shares, session.step))
    winner = Search(session, make_room(session, safe), table).run()
    changes = difference(winner.plan, session.base)
    session.setup = max(0.0, winner.setup - safe.setup)
    session.close_all()  # what confirms begins with all the memory
    return replace(decide(session, changes), shares=shares, step=session.step)


def _baseline(session: Session) -> Ready:
    """The safe plan, ready.  Raises its own error when it cannot run."""
    try:
        safe = session.ready(session.bench.plan)
    except Refusal as refusal:
        raise (refusal.__cause__ or refusal) from None
    session.step = safe.block.seconds
    session.build_seconds = max(0.0, safe.built - 4 * safe.block.length)
    return safe


def _too_short(session: Session, count: int = 1) -> str:
    """ "" or how many seconds it takes to look at COUNT candidates, one after the other."""
    noise = 2 * LEAST * session.block
    needed = (session.watch.now() - session.started) + session.screening_cost() + session.pairing_cost()
    needed += (count - 1) * (session.screening_cost() + session.guard_seconds)
    needed = max(needed + noise, noise / NOISE)
    if needed <= session.seconds:
        return ""
    return f"{session.seconds:.1f} s are too few: steps of {1000 * session.step:.0f} ms take {needed:.0f} s to compare"


def _confirm_where(session: Session) -> None:
    """Fresh processes for the confirmation, as many as the seconds allow, or why there are none."""
    share = FRESH * session.seconds
    if session.bench.fresh() is None:
        session.here = "a fresh process could not be told what to train"
    elif session.fresh_cost() > share:
        session.here = f"{session.seconds:.0f} s are too few for a fresh one"
    else:
        session.processes = PROCESSES if session.fresh_cost(PROCESSES) <= share else 1
