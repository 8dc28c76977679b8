"""The verb `choose`: measured candidates become a pick and the ledger of all."""

from __future__ import annotations

import json
from typing import Any

from aimass.core.artifact import Report
from aimass.core.errors import InputError
from aimass.core.step import Context, step
from aimass.search.goal import Goal


@step
def choose(  # type: ignore[return]  # the folder is the answer
    ctx: Context,
    reports: list[Report],
    *,
    goal: Goal,
    failures: list[dict[str, Any]] = [],  # noqa: B006 - spelled out in the task, never mutated
) -> Report:
    """Pick among measured candidates by GOAL, and list every one in a ledger: adopted or not, and why.

    \b
    failures  rows of candidates that have no report: {"candidate", "status", "reason"}
    When no candidate keeps every budget the ledger is written all the same: pick is null, the binding budget and
    the nearest choices are named.
    """
    from aimass.search.ledger import ledger_of
    from aimass.search.paired import paired_by

    if not reports:
        raise InputError("choose: no reports", expected="at least one measured candidate", todo="run `measure` first")
    measured = [(report.digest, report.read_json("report.json")) for report in reports]
    metric = goal.metric_for(measured[0][1]["task"])
    paired = paired_by({report.digest: report.folder for report in reports}, metric)
    ledger = ledger_of(measured, goal, failures, paired)
    text = json.dumps(ledger, indent=1, ensure_ascii=False, allow_nan=False)
    (ctx.folder / "ledger.json").write_text(text, encoding="utf-8")
    pick = ledger["pick"]
    ctx.log(f"pick: {pick['candidate']}" if pick else f"no candidate fits: {ledger['binding']['summary']}")
    ctx.tell(pick=pick["candidate"] if pick else None, candidates=len(ledger["candidates"]))
