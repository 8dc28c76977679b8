"""What a process knows of the versions it serves.  It adds up over processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aimass.serve.metrics import Counts
from aimass.serve.observe.vitals import Facts

Key = tuple[str, str]  # name and version

ORDER = ("LOADING", "UNLOADING", "READY", "UNAVAILABLE")  # of several states of a version, the first is told
UNLOADED = "unloaded"  # why a version is not here though nothing went wrong


@dataclass
class Seen:
    """Of one process, or of all of a server together."""

    counts: dict[Key, Counts] = field(default_factory=dict)  # of what no model answers where both words are empty
    facts: Facts = field(default_factory=Facts)
    states: dict[Key, tuple[str, str]] = field(default_factory=dict)  # and why
    goals: dict[Key, float] = field(default_factory=dict)  # seconds that were promised
    health: dict[str, Any] = field(default_factory=dict)  # what is worth saying of the process
    models: dict[str, dict[str, Any]] = field(default_factory=dict)  # the same of what is loaded, by label
    shadows: dict[str, dict[str, Any]] = field(default_factory=dict)  # how answers differ, by name
    trials: list[str] = field(default_factory=list)  # names
    events: list[dict[str, Any]] = field(default_factory=list)  # of the name that was asked for
    generation: int = 0
    workers: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """`from_json` gives it back."""
        return {
            **vars(self), "facts": self.facts.as_json(), "counts": [one.as_json() for one in self.counts.values()],
            "states": [[*key, *state] for key, state in self.states.items()],
            "goals": [[*key, goal] for key, goal in self.goals.items()],
        }  # fmt: skip

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        counts = [Counts.from_json(one) for one in facts["counts"]]
        return cls(**{
            **facts, "facts": Facts.from_json(facts["facts"]), "counts": {(c.model, c.version): c for c in counts},
            "states": {(name, version): (state, why) for name, version, state, why in facts["states"]},
            "goals": {(name, version): goal for name, version, goal in facts["goals"]},
        })  # fmt: skip

    def merge(self, other: Seen) -> None:
        """Add what OTHER knows, another process; its counts are added up elsewhere (see `workers.sums`)."""
        self.facts.merge(other.facts)
        for key, state in other.states.items():
            self.states[key] = min(self.states.get(key, state), state, key=_telling)
        self.goals.update(other.goals)
        self.health = added(self.health, other.health)
        self.models = added(self.models, other.models)
        self.shadows = added(self.shadows, other.shadows)


def _telling(state: tuple[str, str]) -> tuple[int, bool]:
    """The smaller, the more of two states says."""
    return ORDER.index(state[0]), state[1] == UNLOADED


def added(one: Any, other: Any, word: str = "") -> Any:
    """Both: numbers and lists are added up, of the `largest` the larger ones are taken, of texts the first."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        words = dict.fromkeys((*one, *other))
        return {
            key: added(one[key], other[key], f"{word}.{key}") if key in one and key in other else {**other, **one}[key]
            for key in words
        }
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *other]
    if isinstance(one, (bool, str)) or one is None or not isinstance(other, (int, float)):
        return one
    return max(one, other) if "largest" in word else one + other
