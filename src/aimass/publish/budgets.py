"""The gate every release passes: the ledger picked this very model, and every budget is met."""

from __future__ import annotations

from typing import Any

from aimass.core.artifact import Model, Report
from aimass.core.errors import InputError
from aimass.publish.base import Gate, Verdict


class Budgets(Gate):
    """Refuses a model that is not the ledger's pick, or a pick that breaks a budget."""

    def check(self, model: Model, ledger: Report | None) -> Verdict:
        """Reads `pick` and `goal` of ledger.json; a goal without budgets binds nobody."""
        if ledger is None:
            raise InputError(
                "the gate budgets has no ledger to read",
                expected="the ledger that picked the model",
                todo="give the ledger of `choose`; a model that was imported may go by --gates parity",
                key="ledger",
            )
        facts = ledger.read_json("ledger.json")
        pick = facts["pick"]
        if pick is None:
            return Verdict(False, f"the ledger picked no candidate: {_binding(facts)}")
        if pick["model"] != model.digest:
            return Verdict(False, f"the ledger picked {pick['model'][:12]}, not this model {model.digest[:12]}")
        broken = [line for line in facts["goal"] if not line["met"]]
        if broken:
            return Verdict(False, "; ".join(f"{_line(line)}: not met" for line in broken))
        met = "; ".join(_line(line) for line in facts["goal"])
        return Verdict(True, f"the ledger's pick; {met or 'no budget was set'}")


def _line(line: dict[str, Any]) -> str:
    """'p99_ms: asked 5, measured 3.2 in [3.1, 3.4]'."""
    low, high = line["interval"] or (None, None)
    measured = f"{_short(line['measured'])} in [{_short(low)}, {_short(high)}]"
    return f"{line['budget']}: asked {line['asked']:g}, measured {measured}"


def _short(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.4g}"


def _binding(facts: dict[str, Any]) -> str:
    return (facts.get("binding") or {}).get("summary") or "no budget is named as the binding one"
