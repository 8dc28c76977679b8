"""What is served under each published name: the registry and the server beside the console, told as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aimass.console.beside import asked
from aimass.console.refusals import Refusal, missing
from aimass.core.errors import suggest
from aimass.publish.names import CHAMPION
from aimass.runner.workspace import Workspace
from aimass.store.catalog import Row

STATES = {"READY": "ready", "LOADING": "loading", "UNLOADING": "leaving"}
ABSENT = ("", "not loaded", "unloaded")  # why a version is not here though nothing is wrong with it
PATIENCE = 3.0  # seconds: a page does not wait for a server that hangs
NOTHING: Row = {
    "shares": {},
    "labels": {},
    "sticky": "",
    "shadow": "",
    "before": None,
    "proved": True,
    "on_trial": False,
}


@dataclass(frozen=True)
class Server:
    """The server of predictions: its plans by name, its versions by name and word, and why it says NOTHING."""

    plans: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    states: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    silent: Refusal | None = None


def server_of(space: Workspace) -> Server:
    """What the server of SPACE says now; one that cannot be asked is silent, and no error."""
    try:
        plans = _good(asked(space, "GET", "/v1/deployments", seconds=PATIENCE))
        index = _good(asked(space, "POST", "/v2/repository/index", {}, seconds=PATIENCE))
    except Refusal as error:
        return Server(silent=error)
    states = {(one["name"], one["version"]): (one["state"], one["reason"]) for one in index}
    return Server({plan["name"]: plan for plan in plans}, states)


def endpoints(space: Workspace, name: str | None = None) -> list[Row]:
    """Every published name, or NAME alone: its state, who answers, its versions, the newest first."""
    server, champions = server_of(space), _champions(space)
    found: dict[str, list[Row]] = {}
    for row in space.versions(name):
        found.setdefault(row["name"], []).append(row)
    return [_endpoint(one, rows, server, champions.get(one, "")) for one, rows in found.items()]


def endpoint(space: Workspace, name: str) -> Row:
    """What is served as NAME.  Raises Refusal (404)."""
    check_there(space, name)
    return endpoints(space, name)[0]


def check_there(space: Workspace, name: str) -> None:
    """Raises Refusal (404) unless something is published as NAME."""
    if not name or not space.versions(name):
        known = {row["name"] for row in space.versions()}
        raise missing(f"nothing is published as {name[:100]!r}{suggest(name, known)}")


def _good(answer: Any) -> Any:
    """What ANSWER says.  Raises Refusal where the server refuses to tell."""
    if not answer.good:
        raise Refusal(503, f"the server of predictions does not say what it serves: {answer.why()}")
    return answer.json()


def _champions(space: Workspace) -> dict[str, str]:
    """Digest that NAME@champion points to, by NAME."""
    names = ((*row["name"].partition("@"), row["digest"]) for row in space.names())
    return {name: digest for name, _, alias, digest in names if alias == CHAMPION}


def _endpoint(name: str, rows: list[Row], server: Server, champion: str) -> Row:
    plan = {**NOTHING, **{key: value for key, value in server.plans.get(name, {}).items() if key in NOTHING}}
    versions = [_version(row, server, plan, champion) for row in reversed(rows)]
    state, why = _state(plan, versions, server.silent)
    sharing, silent = list(plan["shares"]), server.silent is not None
    told = {"stable": sharing[0] if sharing else "", "canary": sharing[-1] if len(sharing) > 1 else ""}
    return {"name": name, "state": state, "why": why, **plan, **told, "versions": versions, "silent": silent}


def _version(row: Row, server: Server, plan: Mapping[str, Any], champion: str) -> Row:
    word = str(row["number"])
    raw, reason = server.states.get((row["name"], word), ("UNAVAILABLE", ""))
    absent = reason in ABSENT
    state, why = STATES.get(raw, "off" if absent else "refused"), "" if absent else reason
    label = next((label for label, version in plan["labels"].items() if version == word), "")
    told = {"version": word, "digest": row["digest"], "created": row["created"], "state": state, "reason": why}
    return {**told, "share": plan["shares"].get(word), "label": label, "champion": row["digest"] == champion}


def _state(plan: Mapping[str, Any], versions: list[Row], silent: Refusal | None) -> tuple[str, str]:
    """In a word how the endpoint is, and why where that is not plain."""
    if silent is not None:
        return "off", f"{silent.what}; {silent.todo}" if silent.todo else silent.what
    if not plan["shares"]:
        worst = next((one for one in versions if one["state"] in ("loading", "refused")), None)
        return (worst["state"], worst["reason"]) if worst else ("off", "no version of it is loaded")
    if len(plan["shares"]) > 1:
        return "sharing", "several versions share the requests"
    if plan["on_trial"]:
        return "on trial", "the version before is kept until this one has proved itself"
    return "serving", ""
