"""What can be changed of the processes that `aimass up` keeps, and of itself.

The keeper hands a value to each process, which tells when it is in effect; it has the value again when it is started
anew, until `aimass up` ends.  A console that nobody keeps changes its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.console.parameters.base import Parameter, Value
from aimass.console.place import Place
from aimass.console.up import state
from aimass.console.up.state import State
from aimass.store.catalog import Row

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LEAST = "messages of this level and above are in its log"
PARAMETERS = {
    "console/look_seconds": Parameter(0.1, "s", "between looks at the catalog while somebody watches", 0.02, 10),
    "console/session_hours": Parameter(12, "h", "that a session lasts", 0.25, 720, effect="with the next sign-in"),
    "console/tries": Parameter(5, "tries", "to sign in that are free, of a name from an address", 1, 1000, whole=True),
    "console/try_seconds": Parameter(30, "s", "until the next try after those", 0.1, 3600, effect="with the next try"),
    "console/log_level": Parameter("WARNING", "", f"{LEAST}; info has each request", choices=LEVELS),
    "jobs/workers": Parameter(1, "processes", "that carry out jobs, one each", 0, 64, whole=True,
                              effect="at once; fewer, when those without a job have left, or a job has stopped"),
    "jobs/grace_seconds": Parameter(10, "s", "that a job has to stop by itself, and again to be interrupted", 0.1, 3600,
                                    effect="with the next job"),
    "jobs/look_seconds": Parameter(0.3, "s", "between looks of a worker at the queue", 0.05, 60),
    "jobs/log_level": Parameter("WARNING", "", f"{LEAST}; info has each job", choices=LEVELS),
    "inference/log_level": Parameter("WARNING", "", LEAST, choices=LEVELS),
    "up/hang_seconds": Parameter(60, "s", "without a sign of life, and a process is ended and started anew", 5, 3600),
    "up/log_bytes": Parameter(8 << 20, "bytes", "of a log, beyond which it is begun anew; one before is kept",
                              1 << 16, 1 << 30, whole=True),
}  # fmt: skip
OWN = "console/"


class Processes:
    """The console asks its keeper, and looks at what that has written down."""

    subsystems = ("console", "jobs", "inference", "up")

    def rows(self, place: Place) -> list[Row]:
        known = state.read(place.workspace.folder) if place.keeper is not None else None
        if known is None:
            mine = {name: one for name, one in PARAMETERS.items() if name.startswith(OWN)}
            return [one.row(name, place.values.get(name)) for name, one in mine.items()]
        return [_row(known, name, one) for name, one in PARAMETERS.items()]

    def set(self, place: Place, values: Mapping[str, Any]) -> None:
        known = state.read(place.workspace.folder) if place.keeper is not None else None
        wanted = {name: _checked(known, name, value) for name, value in values.items()}
        if place.keeper is not None:
            place.keeper.ask(set=wanted)
            return
        for name, value in wanted.items():
            place.dials[name](value)


def _checked(known: State | None, name: str, value: Any) -> Value:
    one = PARAMETERS[name]
    default: Value = (known.defaults if known else {}).get(name, one.default)
    return one.checked(name, default if value is None else value)


def _row(known: State, name: str, one: Parameter) -> Row:
    default = known.defaults.get(name, one.default)
    wanted = known.wanted.get(name, default)
    return one.row(name, _in_effect(known, name, wanted), wanted, default)


def _in_effect(known: State, name: str, wanted: Value) -> Value:
    """The value that holds by now; where processes differ, that of one which lags behind."""
    subsystem = name.partition("/")[0]
    mine = [one for one in known.processes if str(one["name"]).partition("-")[0] == subsystem]
    if name == "jobs/workers":
        return len([one for one in mine if one["state"] == "ready"])
    if subsystem == "up" or name not in known.wanted:
        return wanted
    there = [one["values"] for one in mine if one["state"] != "stopping"]
    values: list[Value] = [found.get(name, PARAMETERS[name].default) for found in there]
    return next((value for value in values if value != wanted), wanted)
