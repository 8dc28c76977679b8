"""Stage 4: the winner against the baseline with fresh pairs, in fresh processes where they can be had.

Only this figure is reported: the search's own is the luckiest of many.  A fresh process gets one JSON request on its
standard input and writes one JSON answer as the last line of its output; `serve` is all it has to call.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from random import Random
from statistics import fmean, median, stdev
from typing import Any

from aimass.core.errors import InputError
from aimass.measure.intervals import student
from aimass.train.advisor.bench import Bench
from aimass.train.advisor.paired import Pairs
from aimass.train.advisor.ratio import Ratio, ratio_of
from aimass.train.advisor.session import CONFIRMING, Ready, Session
from aimass.train.advisor.watch import Limits, Watch
from aimass.train.plan import Plan

SLACK = 0.08  # share of the seconds by which the last pairs may be late: a budget is kept within a tenth
BETWEEN = 3  # processes from which their own spread can be told


@dataclass(frozen=True)
class Sample:
    """Pairs of one process: logarithms, how many were dropped, seconds the winner's set-up took, its peak memory, and
    seconds until the process could begin.
    """

    logs: list[float]
    dropped: int
    setup: float
    peak_bytes: int
    start: float = 0.0


@dataclass(frozen=True)
class Confirmed:
    """The figure that counts, HOW it was taken, and the winner's set-up and memory as seen here."""

    ratio: Ratio
    how: str
    setup: float
    peak_bytes: int


def confirm(session: Session, changes: Mapping[str, Any]) -> Confirmed:
    """CHANGES against the baseline, at least twenty fresh pairs.  Raises Refusal when they cannot be had.

    Where fresh processes gave fewer, as many more are taken here and all of them count: how many there are and where
    was decided by the clock alone, never by what they say.
    """
    samples, why = _fresh(session, changes) if session.processes else ([], session.here)
    count, told = len(samples), []
    if samples:
        told.append(f"{_pairs(samples)} pairs in {count} fresh process{'es' if count > 1 else ''}")
    if _pairs(samples) < CONFIRMING:
        left = session.left() + SLACK * session.seconds
        watch, random, limits = session.watch, session.random, session.limits
        samples.append(take(session.bench, session.base, changes, watch, random, limits, left))
        told.append(f"{len(samples[-1].logs)} pairs of fresh trials in the same process ({why})")
    setup, peak = max(s.setup for s in samples), max(s.peak_bytes for s in samples)
    return Confirmed(together(samples), " and ".join(told), setup, peak)


def together(samples: list[Sample]) -> Ratio:
    """All pairs as one; with three processes or more the interval also holds the one between their medians."""
    ratio = ratio_of([log for sample in samples for log in sample.logs], sum(sample.dropped for sample in samples))
    medians = [median(sample.logs) for sample in samples if sample.logs]
    if len(medians) < BETWEEN:
        return ratio
    half = student(len(medians) - 1) * stdev(medians) / math.sqrt(len(medians))
    return ratio.wider(math.exp(fmean(medians) - half), math.exp(fmean(medians) + half))


def take(
    bench: Bench, base: Plan, changes: Mapping[str, Any], watch: Watch, random: Random, limits: Limits, seconds: float
) -> Sample:
    """BASE against BASE with CHANGES: twenty pairs and, in time left of SECONDS, up to forty.

    Lots decide which is built first: the one that comes later finds the memory in pieces.
    """
    session = Session(bench, watch, seconds, random, lambda text: None, started=watch.now())
    plans = {"base": base, "winner": base.having(**changes)}
    built: dict[str, Ready] = {}
    try:
        for name in random.sample(sorted(plans), 2):
            built[name] = session.ready(plans[name])
        pairs = Pairs(built["base"].block, built["winner"].block, watch, random, limits)
        count = max(CONFIRMING, min(2 * CONFIRMING, int(session.left() / pairs.length) // 2 * 2))
        pairs.until(lambda ratio: False, most=count, deadline=session.deadline)
        setup = built["winner"].setup - built["base"].setup
        return Sample(pairs.logs, pairs.dropped, setup, built["winner"].trial.peak_bytes)
    finally:
        session.close_all()


def serve(bench: Bench) -> None:
    """The fresh process's side: a request from standard input, the answer as one line on standard output."""
    request = json.loads(sys.stdin.readline())
    print(json.dumps(answer(bench, request, max(0.0, time.time() - request["asked"]))), flush=True)


def answer(bench: Bench, request: Mapping[str, Any], start: float, watch: Watch | None = None) -> dict[str, Any]:
    """Pairs as `confirm` asks for them, by a process that took START seconds to begin; none where that leaves too few.

    Raises InputError when BENCH is not the asker's.
    """
    if bench.plan.digest != request["plan"]:
        raise InputError("the fresh process has another plan", expected=request["plan"])
    left = request["seconds"] - start
    if left < request["pairing"]:
        return asdict(Sample([], 0, 0.0, 0, start))
    limits, random = Limits(switches=request["switches"] or math.inf), Random(request["seed"])
    base = bench.plan.having(**request["room"])
    return asdict(replace(take(bench, base, request["changes"], watch or Watch(), random, limits, left), start=start))


def _fresh(session: Session, changes: Mapping[str, Any]) -> tuple[list[Sample], str]:
    """A sample from each fresh process that has the time for twenty pairs, and why there are no more."""
    command = session.bench.fresh()
    samples: list[Sample] = []
    if command is None:
        return [], "a fresh process could not be told what to train"
    for waiting in range(session.processes, 0, -1):
        seconds = _seconds(session, waiting, _pairs(samples) >= CONFIRMING)
        if seconds < session.start + session.pairing_cost():
            return samples, f"the {session.left():.0f} s left are too few for a fresh one"
        found = _ask(session, command, changes, seconds)
        if isinstance(found, str):
            session.note(found)
            return samples, found
        session.start = found.start
        if found.logs:
            samples.append(found)
        if (count := len(found.logs)) < CONFIRMING:  # nor would the next one
            return samples, f"a fresh one began after {found.start:.0f} s and had time for {count} of {CONFIRMING}"
    return samples, ""


def _seconds(session: Session, waiting: int, enough: bool) -> float:
    """What the first of so many WAITING processes may take.  Until there are ENOUGH pairs those here keep their time.

    Twice what it should take at most: one that hangs does not use up everything.
    """
    once, left = session.start + session.pairing_cost(), session.left()
    return min(left if enough else left - session.pairing_cost(), max(once, min(left / waiting, 2 * once)))


def _ask(session: Session, command: list[str], changes: Mapping[str, Any], seconds: float) -> Sample | str:
    """One process's sample, or why there is none; it is ended when SECONDS and the slack are over."""
    switches = session.limits.switches
    request = {
        "plan": session.bench.plan.digest,
        "room": difference(session.base, session.bench.plan),
        "changes": dict(changes),
        "seed": session.random.getrandbits(32),
        "seconds": seconds,
        "pairing": session.pairing_cost(),
        "asked": time.time(),
        "switches": switches if math.isfinite(switches) else 0,
    }
    try:
        ran = subprocess.run(
            command, input=json.dumps(request) + "\n", capture_output=True, text=True,
            timeout=seconds + SLACK * session.seconds,
        )  # fmt: skip
        return Sample(**json.loads(ran.stdout.strip().split("\n")[-1]))
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the fresh process gave no answer: {type(error).__name__}"
    except (ValueError, TypeError):
        told = (ran.stderr.strip().split("\n") or [""])[-1]
        return f"the fresh process failed with code {ran.returncode}: {told}"


def difference(plan: Plan, base: Plan) -> dict[str, Any]:
    """The fields that PLAN has other than BASE."""
    before = base.values()
    return {name: value for name, value in plan.values().items() if value != before[name]}


def _pairs(samples: list[Sample]) -> int:
    return sum(len(sample.logs) for sample in samples)
