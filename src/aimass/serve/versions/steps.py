"""What can be asked of a plan, by its word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aimass.serve.versions.desired import Plan

Step = Callable[[Plan], Plan]

VERBS: dict[str, Callable[[Plan, Mapping[str, Any]], Plan]] = {
    "serve": lambda plan, said: plan.serve(said["version"]),
    "canary": lambda plan, said: plan.canary(said["version"], said["share"], said.get("sticky")),
    "split": lambda plan, said: plan.split(said["shares"], said.get("sticky")),
    "promote": lambda plan, said: plan.promote(),
    "rollback": lambda plan, said: plan.rollback(),
    "prove": lambda plan, said: plan.prove(),
    "shadow": lambda plan, said: plan.mirror(said["version"]),
    "label": lambda plan, said: plan.label(said["label"], said["version"]),
    "unload": lambda plan, said: plan.unload(said.get("version", "")),
}


def step_of(verb: str, said: Mapping[str, Any]) -> Step:
    """From one plan to the next, as VERB with what is SAID asks for it."""
    return lambda plan: VERBS[verb](plan, said)
