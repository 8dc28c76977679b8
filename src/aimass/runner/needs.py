"""What a step needs of the place it runs at: never part of what it means, so never part of a task's identity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.core.errors import InputError, inside, unknown

LEAST = {"cpus": 0, "gpus": 0, "memory": 0, "workers": 1}  # memory in bytes; cpus and gpus of each worker
WHOLE = ("memory", "workers")


def check(needs: Mapping[str, Any]) -> None:
    """Raises InputError for a word that no place understands, or a number that it cannot have."""
    with inside("needs"):
        for name, value in needs.items():
            if name not in LEAST:
                raise unknown("need", name, LEAST, key=name)
            kinds = int if name in WHOLE else (int, float)
            if isinstance(value, bool) or not isinstance(value, kinds) or value < LEAST[name]:
                kind = "whole number" if name in WHOLE else "number"
                raise InputError(f"needs: {name} is {value!r}", expected=f"a {kind} from {LEAST[name]} on", key=name)
