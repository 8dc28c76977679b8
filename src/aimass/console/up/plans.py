"""By what each name is served, kept in a file: a server that is started again goes on by it, not by the champion.

Whoever changed a plan, a person, a program or a trial: the server is asked, so nobody can be forgotten.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from aimass.console.beside import asked_at
from aimass.console.up.state import folder_of
from aimass.store.base import writing

FILE = "plans.json"
PATIENCE = 600.0  # seconds for a version to prove itself and be loaded
KEPT = ("shares", "sticky", "labels", "shadow", "before", "proved")

Plans = dict[str, dict[str, Any]]
Step = tuple[str, dict[str, Any]]


class Kept:
    """The plans of the server at URL, which KEY opens, in the WORKSPACE's folder for what is up."""

    def __init__(self, workspace: Path, url: str, key: str = "") -> None:
        self.file, self.ask = folder_of(workspace) / FILE, partial(asked_at, url, key=key)
        self.plans = read(self.file)

    def look(self) -> None:
        """Keep what the server says now; what it does not serve stays as it was.  Raises Refusal."""
        answer = self.ask("GET", "/v1/deployments")
        if not answer.good:
            return
        now = {plan["name"]: {key: plan[key] for key in KEPT} for plan in answer.json()}
        if {**self.plans, **now} != self.plans:
            self.plans = {**self.plans, **now}
            write(self.file, self.plans)

    def again(self, name: str) -> bool:
        """Serve NAME as it was served last; False where that is not known, or cannot be.  Raises Refusal."""
        for verb, said in steps(self.plans.get(name, {})):
            answer = self.ask("POST", f"/v1/deployments/{name}/{verb}", said, seconds=PATIENCE)
            if not answer.good:
                print(f"{name} is not served as before: {answer.why()}", file=sys.stderr, flush=True)
                return False
        return bool(self.plans.get(name))


def steps(plan: Mapping[str, Any]) -> list[Step]:
    """What leads a server that serves nothing of a name to PLAN, verb by verb.

    The version that was there first comes first, as a roll back goes by the order; one that has not proved itself
    follows the one before it again, and goes on being watched.
    """
    if not plan:
        return []
    first = next(iter(plan["shares"]))
    watched = plan["before"] and not plan["proved"] and len(plan["shares"]) == 1
    found: list[Step] = [("serve", {"version": word}) for word in ([plan["before"], first] if watched else [first])]
    if len(plan["shares"]) > 1:
        found.append(("split", {"shares": plan["shares"], "sticky": plan["sticky"]}))
    found += [("label", {"label": label, "version": version}) for label, version in plan["labels"].items()]
    return found + ([("shadow", {"version": plan["shadow"]})] if plan["shadow"] else [])


def read(file: Path) -> Plans:
    """The plans in FILE; none where it is not there, or not one of ours."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {name: plan for name, plan in found.items() if plan["shares"] and plan.keys() >= set(KEPT)}
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return {}


def write(file: Path, plans: Plans) -> None:
    """Keep PLANS in FILE, whole or not at all."""
    scratch = file.with_suffix(".new")
    with writing(str(file)):
        scratch.write_text(json.dumps(plans, indent=1), encoding="utf-8")
        scratch.replace(file)
