"""Which versions answer is changed here: what a change would do, in numbers, the change itself, and its undoing.

The plans are the server's own, so a preview is what it will do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from aimass.console.beside import asked
from aimass.console.endpoints.asking import MEANT, refusal_of
from aimass.console.endpoints.ring import Ring
from aimass.console.refusals import Refusal, taken
from aimass.console.wellbeing import figures_of
from aimass.core.errors import StoreError
from aimass.runner.workspace import Workspace
from aimass.serve.messages import Refused
from aimass.serve.versions.desired import Plan
from aimass.serve.versions.judge import ENOUGH, SECONDS
from aimass.serve.versions.steps import step_of
from aimass.store.catalog import Row

PATIENCE = 600.0  # seconds for a version to prove itself and be loaded
AT_ONCE = 4  # changes of a console: each waits in a thread

Act = dict[str, Any]  # a verb of a deployment, and what is said with it


@dataclass
class Turns:
    """Lets one change of a name happen at a time."""

    busy: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Raises Refusal (409) while NAME is being changed, or too many are."""
        with self.lock:
            if name in self.busy:
                raise taken(f"{name} is being changed", todo="wait until that is done")
            if len(self.busy) >= AT_ONCE:
                raise taken(f"{AT_ONCE} endpoints are being changed", todo="wait until one is done")
            self.busy.add(name)
        try:
            yield
        finally:
            self.busy.discard(name)


def plan_of(found: Row) -> Plan:
    """By what the endpoint FOUND is served."""
    past = (found["before"],) if found["before"] else ()
    return Plan(found["shares"], found["labels"], found["sticky"], found["shadow"], past, found["proved"])


def steps_of(found: Row, act: Act) -> list[Act]:
    """ACT on the endpoint FOUND, as the server is asked for it.

    To restore shares is ours alone.  It begins with the version that was there before the others: what a later roll
    back leads to depends on their order.
    """
    if act["verb"] != "restore":
        return [act]
    plan, first = plan_of(found), act["version"]
    shares = {first: act["shares"].get(first, 0.0), **act["shares"]}  # JSON keeps no order
    steps: list[Act] = [{"verb": "serve", "version": first}]
    if list(plan.shares) == [first]:
        steps = []
    elif (plan.stable if len(plan.shares) > 1 else plan.before) == first:
        steps = [{"verb": "rollback"}]
    return steps + ([{"verb": "split", "shares": shares, "sticky": act.get("sticky", "")}] if len(shares) > 1 else [])


def planned(found: Row, act: Act) -> Plan:
    """By what FOUND would be served after ACT.  Raises Refusal for what makes no sense."""
    known = [one["version"] for one in found["versions"]]
    for version in (act.get("version"), *act.get("shares", {})):
        if version and version not in known:
            raise Refusal(404, f"{found['name']} has no version {version[:100]!r}", expected=", ".join(known[:20]))
    plan = plan_of(found)
    try:
        for step in steps_of(found, act):
            plan = step_of(step["verb"], step)(plan)
    except Refused as error:
        hints = {"expected": error.body.get("expected", ""), "todo": error.body.get("to_do", "")}
        raise Refusal(MEANT.get(error.status, error.status), error.body["error"], **hints) from error
    return plan


def effect(space: Workspace, ring: Ring, found: Row, act: Act) -> dict[str, Any]:
    """What ACT would do to the endpoint FOUND, at the rate of the last minutes.  Raises Refusal."""
    before, after = plan_of(found), planned(found, act)
    rate = 60 * ring.figures(found["name"])["per_second"]
    rows = {one["version"]: one for one in found["versions"]}
    shown = dict.fromkeys((*before.shares, *after.shares))
    moved = sum(max(0.0, after.shares.get(word, 0.0) - before.shares.get(word, 0.0)) for word in shown)
    new = list(after.shares)[-1] if after.shares else ""
    fresh = (
        after.shares.get(new, 0.0)
        if (after.shares != before.shares and not after.proved) or len(after.shares) > 1
        else 0
    )
    return {
        "versions": [_compared(space, ring, found["name"], rows[word], before, after, rate) for word in shown],
        "per_minute": round(rate, 2),
        "moved_per_minute": round(rate * moved, 2),
        "loads": [word for word in after.needed if rows.get(word, {}).get("state") != "ready"],
        "kept": after.before if not after.proved else None,
        "trial_seconds": max(SECONDS, 60 * ENOUGH / (rate * fresh)) if rate * fresh else None,
        "nothing": after == before,
    }  # fmt: skip


def _compared(space: Workspace, ring: Ring, name: str, row: Row, before: Plan, after: Plan, rate: float) -> Row:
    """A version as it is and as it would be."""
    word = row["version"]
    was, will = before.shares.get(word, 0.0), after.shares.get(word, 0.0)
    now = ring.figures(name, word)
    return {
        "version": word, "state": row["state"], "share": was, "then": will, "per_minute": round(rate * was, 2),
        "then_per_minute": round(rate * will, 2), "p99_ms": now["p99_ms"], "error_share": now["error_share"],
        "measured": figures_of(space, row["digest"]), "bytes": _size(space, row["digest"]),
    }  # fmt: skip


def _size(space: Workspace, digest: str) -> int | None:
    """Bytes of the model; None where they are gone."""
    try:
        return int((space.open(digest).folder / "model.onnx").stat().st_size)
    except (StoreError, OSError):
        return None


def done(space: Workspace, found: Row, act: Act) -> Iterator[Plan]:
    """Do ACT, which is `planned`, to the endpoint FOUND: the plan after each step.

    A step takes as long as a version needs to prove itself.

    Raises Refusal, and then the step has changed nothing for those who ask.
    """
    for step in steps_of(found, act):
        said = {key: value for key, value in step.items() if key != "verb"}
        path = f"/v1/deployments/{quote(found['name'], safe='')}/{step['verb']}"
        answer = asked(space, "POST", path, said, seconds=PATIENCE)
        if not answer.good:
            raise refusal_of(answer)
        yield plan_of({**found, **answer.json()})


def undoing(before: Plan, after: Plan) -> Act | None:
    """What leads from AFTER back to how requests were shared BEFORE; None where nothing does, or need be."""
    if dict(before.shares) == dict(after.shares) or not before.shares:
        return None
    told = {"verb": "restore", "version": before.stable, "shares": dict(before.shares)}
    return {**told, "sticky": before.sticky} if before.sticky or len(before.shares) > 1 else told


def summary(plan: Plan) -> Mapping[str, Any]:
    """PLAN for the audit."""
    told: dict[str, Any] = {"shares": dict(plan.shares)}
    return {
        **told,
        **({"sticky": plan.sticky} if plan.sticky else {}),
        **({"shadow": plan.shadow} if plan.shadow else {}),
    }
