"""Which choices never go together: removed before anything is built."""

from __future__ import annotations

from collections.abc import Callable

from aimass.train.advisor.candidates import Facts
from aimass.train.plan import Plan

Conflict = tuple[Callable[[Facts, Plan], bool], str]


def _graphs(facts: Facts, plan: Plan) -> bool:
    return plan.graphs or plan.compile in ("reduce-overhead", "max-autotune")


CONFLICTS: tuple[Conflict, ...] = (
    (lambda f, p: _graphs(f, p) and bool(f.get("dynamic_shapes")), "graphs replay fixed shapes, these change"),
    (lambda f, p: p.graphs and p.compile != "none", "the compiler captures graphs of its own"),
    (lambda f, p: p.graphs and p.recompute, "recomputation restores the state of chance, which no capture can hold"),
    (lambda f, p: p.graphs and f.get("ranks", 1) > 1, "a captured step does not wait for other ranks"),
    (lambda f, p: p.hook != "none" and p.graphs, "a communication hook runs on the host"),
    (lambda f, p: p.hook == "fp16" and p.precision == "fp16", "gradients scaled for fp16 overflow when halved again"),
    (lambda f, p: p.prefetch and p.tier == "device", "rows on the device need no fetching"),
    (lambda f, p: p.update == "fused" and p.optimizer == "muon", "muon has no fused update"),
)


def conflict(facts: Facts, plan: Plan) -> str:
    """ "" or why PLAN cannot be: the first pair of its choices that excludes itself."""
    return next((why for clash, why in CONFLICTS if clash(facts, plan)), "")
