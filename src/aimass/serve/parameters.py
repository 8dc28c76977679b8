"""Parameters that change while a server answers: what they are called, what they may be, what was changed.

`Parameters` decides and remembers, in the one process that may; `Live` does it in every process that answers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from aimass.core.errors import suggest
from aimass.serve.batch.turns import INLINE
from aimass.serve.http.crowd import Crowd
from aimass.serve.http.limits import Limits
from aimass.serve.messages import Refused
from aimass.serve.versions.judge import SECONDS

KEPT = 200  # changes
NOW, NEXT, NEW = "at once", "with the next call of the model", "on connections that are opened from now on"
ANY = "*"  # the model in the name of a default


@dataclass(frozen=True)
class Parameter:
    """A number from LOW to HIGH in UNIT, and when a change of it takes EFFECT."""

    low: float
    high: float
    unit: str
    help: str
    effect: str = NOW
    whole: bool = True

    def checked(self, name: str, value: Any) -> float:
        """VALUE for what is called NAME.  Raises Refused."""
        kinds = (int,) if self.whole else (int, float)
        good = isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)
        if not good or not self.low <= value <= self.high:
            kind = "a whole number" if self.whole else "a number"
            raise Refused(400, f"{name} is {str(value)[:40]!r}", expected=f"{kind} from {self.low:g} to {self.high:g}")
        return float(value) if not self.whole else int(value)


SERVER = {
    "connections": Parameter(1, 1_000_000, "connections", "open at once, of all callers", effect=NEW),
    "held": Parameter(1 << 20, 1 << 40, "bytes", "of bodies under way, of all callers together", effect=NEW),
    "pipelined": Parameter(1, 10_000, "requests", "of a connection that wait for their answers", effect=NEW),
    "head_seconds": Parameter(0.1, 3600, "s", "from the first byte of a head to its last", NEW, whole=False),
    "body_seconds": Parameter(0.1, 3600, "s", "the same of a body", NEW, whole=False),
    "idle_seconds": Parameter(1, 86_400, "s", "of a connection without a request", NEW, whole=False),
    "write_seconds": Parameter(0.1, 3600, "s", "in which a caller takes none of an answer", NEW, whole=False),
    "trial_seconds": Parameter(0, 86_400, "s", "for which a new version is watched, at least",
                               "with the next trial", whole=False),
}  # fmt: skip
MODEL = {
    "call_rows": Parameter(1, 1024, "rows", "of a call of the model, at most", NEXT),
    "waiting_rows": Parameter(1, 10_000_000, "rows", "that may wait for a version; more are refused as busy"),
    "inline_seconds": Parameter(0, 0.1, "s", "of a call that is made on the event loop; longer ones in a thread",
                                NEXT, whole=False),
    "log_sample": Parameter(0, 1, "share", "of requests in the prediction log", "with the next rows that are appended",
                            whole=False),
}  # fmt: skip
LIMITS = tuple(field.name for field in fields(Limits) if field.name in SERVER)


class Parameters:
    """Of a server of MODELS (their names).  DEFAULTS by name, those of models for any: `models/*/call_rows`."""

    def __init__(self, models: Callable[[], Iterable[str]], defaults: Mapping[str, float]) -> None:
        self.models, self.defaults = models, defaults
        self.values: dict[str, float] = {}  # what was changed
        self.history: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.undoable: deque[dict[str, float | None]] = deque(maxlen=KEPT)  # values before, None: as at the start

    def names(self) -> list[str]:
        """What can be changed now."""
        found = []
        for name in self.defaults:
            found += [name.replace(ANY, model) for model in self.models()] if ANY in name else [name]
        return found

    def value(self, name: str) -> float:
        return self.values.get(name, self.default(name))

    def default(self, name: str) -> float:
        kind, _, key = name.rpartition("/")
        return self.defaults[name if kind == "server" else f"models/{ANY}/{key}"]

    def change(self, values: Mapping[str, Any], **facts: Any) -> dict[str, float]:
        """VALUES by name, None: as at the start; gives what is to be done in every process.  Raises Refused."""
        known = self.names()
        wanted: dict[str, float | None] = {}
        for name, value in values.items():
            if name not in known:
                near = suggest(name, known)
                raise Refused(400, f"no parameter is called {name[:80]!r}{near}", to_do="see GET /v1/parameters")
            wanted[name] = None if value is None else definition(name).checked(name, value)
        if not wanted:
            raise Refused(400, "nothing is to be changed", expected='names and values: {"server/idle_seconds": 30}')
        self.undoable.append({name: self.values.get(name) for name in wanted})
        return self._become(wanted, facts)

    def undo(self) -> dict[str, float]:
        """As before the last change that was not taken back.  Raises Refused when there is none."""
        if not self.undoable:
            raise Refused(409, "there is no change to take back")
        return self._become(self.undoable.pop(), {"undone": True})

    def _become(self, wanted: Mapping[str, float | None], facts: Mapping[str, Any]) -> dict[str, float]:
        before = {name: self.value(name) for name in wanted}
        for name, value in wanted.items():
            self.values.pop(name, None)
            if value is not None:
                self.values[name] = value
        after = {name: self.value(name) for name in wanted}
        changes = {name: {"before": before[name], "after": after[name]} for name in wanted}
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.history.append({"time": now, "changes": changes, **facts})
        return after

    def as_json(self) -> dict[str, Any]:
        """All that can be changed, and what was, the last change last."""
        return {"parameters": [self._row(name) for name in self.names()], "history": [*self.history]}

    def _row(self, name: str) -> dict[str, Any]:
        one = definition(name)
        return {
            "name": name, "value": self.value(name), "default": self.default(name), "low": one.low, "high": one.high,
            "whole": one.whole, "unit": one.unit, "help": one.help, "effect": one.effect,
        }  # fmt: skip


def definition(name: str) -> Parameter:
    """What is called NAME."""
    kind, _, key = name.rpartition("/")
    return SERVER[key] if kind == "server" else MODEL[key]


class Live:
    """Does what was decided in this process.  VERSIONS gives those of a model that are loaded, TRIALS watch them."""

    def __init__(self, versions: Callable[[str], Iterable[Any]], trials: Any) -> None:
        self.versions, self.trials = versions, trials
        self.crowd: Crowd | None = None
        self.values: dict[str, float] = {}
        self.defaults: dict[str, float] = {"server/trial_seconds": SECONDS}

    def serves(self, crowd: Crowd) -> None:
        """CROWD is who is served."""
        self.crowd = crowd
        self.defaults.update({f"server/{name}": getattr(crowd.limits, name) for name in LIMITS})

    def set(self, values: Mapping[str, float]) -> None:
        """By name."""
        self.values.update(values)
        for name, value in values.items():
            kind, _, key = name.rpartition("/")
            if kind != "server":
                for version in self.versions(kind.removeprefix("models/")):
                    _set(version.served, key, value)
            elif key in LIMITS and self.crowd is not None:
                changed: dict[str, Any] = {key: value}
                self.crowd.limits = replace(self.crowd.limits, **changed)
            elif key == "trial_seconds":
                self.trials.seconds = value

    def dressed(self, version: Any) -> Any:
        """VERSION, which was just loaded, as those of its name are to be."""
        for key in MODEL:
            default = _get(version.served, key)
            if default is None:
                continue
            self.defaults.setdefault(f"models/{ANY}/{key}", default)
            value = self.values.get(f"models/{version.name}/{key}")
            if value is not None:
                _set(version.served, key, value)
        return version


def _get(served: Any, key: str) -> float | None:
    batcher = served.batcher
    if key == "log_sample":
        found: float | None = served.around.live.get(key)
        return found
    known: dict[str, float] = {"call_rows": batcher.limit, "waiting_rows": batcher.waiting.bound}
    return known.get(key, INLINE)


def _set(served: Any, key: str, value: float) -> None:
    batcher = served.batcher
    if key == "call_rows":
        batcher.limit = int(value)
        batcher.aim(batcher.goal)
    elif key == "waiting_rows":
        batcher.waiting.bound = int(value)
    elif key == "inline_seconds":
        batcher.inline = value
    elif key in served.around.live:
        served.around.live[key] = value
