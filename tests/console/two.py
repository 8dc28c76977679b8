"""Two projects side by side, alpha and beta, with one of everything each; all that is beta's says so."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from starlette.testclient import TestClient

import aimass
from aimass.console.access import keys, users
from aimass.console.access.grants import checked, over_all
from aimass.console.jobs import story
from aimass.console.jobs.attempt import folder_of
from aimass.console.place import Place
from aimass.core.task import Task
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.catalog import now
from aimass.store.jobs import Jobs
from tests.console import published

API = "/api/v1"
DIGESTS = {"datasets": "clean", "ledgers": "choose", "advice": "advised"}  # what a route is about; else: clean
REST = {"number": "1", "alias": "champion", "format": "csv"}
TEXT = 'name = "{0}"\n[collect]\nuse = "csv"\npath = "{0}.csv"\n[goal]\ntarget = "late"\n'


@dataclass
class One:
    """A project: the digests of what it has by the step that made it, its source, runs and job."""

    name: str
    made: dict[str, str] = field(default_factory=dict)
    runs: list[int] = field(default_factory=list)
    going: int = 0  # a run that has not ended
    failed: int = 0
    job: str = ""

    @property
    def source(self) -> str:
        return f"{self.name}/calls"


def project(space: Workspace, name: str, seed: int) -> One:
    """Collected, cleaned, trained, chosen, published, explained, asked for as a job; a run still goes, one failed."""
    found, catalog = One(name), space.catalog
    before = {row["digest"] for row in catalog.artifacts(limit=1000)}
    (space.folder / "data").mkdir(exist_ok=True)
    (space.folder / "data" / f"{name}.csv").write_text(f"{name},late\n1,0\n2,{seed}\n")
    with space:
        source = {"use": "csv", "path": str(space.folder / "data" / f"{name}.csv")}
        rows = aimass.collect(name=found.source, source=source)
        clean = aimass.clean({"calls": rows})
    ledger = published.chosen(space, seed, clean)
    release = published.publish(space, ledger, name)
    published.explained(space, release)
    space.alias(clean.digest, f"{name}/clean")
    for row in catalog.artifacts(limit=1000):
        if row["digest"] not in before:
            advised = row["step"] == "train" and "advice.json" in space.open(row["digest"]).manifest.files
            found.made["advised" if advised else row["step"]] = row["digest"]
    task = Task("train", 1, {"note": name}, {"examples": found.made["prepare"]}, label=f"train {name}")
    found.going, found.failed = int(catalog.start_run(task)), int(catalog.start_run(task))
    catalog.add_metrics(str(found.going), [("loss", 0.0, 1.0), (f"loss_{name}", 1.0, 0.5)])
    catalog.add_log(str(found.going), f"said by {name}")
    catalog.end_run(str(found.failed), "failed", error={"error": f"{name} broke"})
    found.job = _job(space, found)
    _written(space, found)
    its = sa.select(t.run_source.c.run).where(t.run_source.c.project == name)
    found.runs = [row["run"] for row in catalog.rows(its)]
    return found


def _job(space: Workspace, one: One) -> str:
    """A job that was asked for and has begun something."""
    row = Jobs(space.catalog).ask("project", {"text": TEXT.format(one.name)}, label=one.name, who=f"{one.name}-user",
                                  sources=[f"{one.name}/{one.name}", one.source])  # fmt: skip
    folder = folder_of(space, row["id"])
    folder.mkdir(parents=True, exist_ok=True)
    story.begin(folder)
    (folder / "log.txt").write_text(f"{now()} job of {one.name}\n")
    with (folder / story.FILE).open("a") as file:
        event = {"kind": "started", "run": str(one.going), "step": "train", "label": one.name, "digest": None}
        file.write(json.dumps({"time": now(), **event}) + "\n")
    return str(row["id"])


def _written(space: Workspace, one: One) -> None:
    """Somebody did something with each kind of thing."""
    deeds = {"runs.stop": str(one.going), "jobs.ask": one.job, "models.alias": f"{one.name}@champion",
             "endpoints.canary": one.name, "datasets.export": one.made["clean"]}  # fmt: skip
    facts = {"time": now(), "who": f"{one.name}-user", "address": "", "request": ""}
    rows = [{**facts, "what": what, "subject": subject} for what, subject in deeds.items()]
    space.catalog.write(sa.insert(t.audit), values=[rows])


def holders(app: FastAPI, place: Place, **grants: list[tuple[str, str]]) -> dict[str, TestClient]:
    """A program for each of GRANTS, with these."""
    with place.catalog.writing() as link:
        users.add(link, "ada", "scrypt$", over_all("admin"))
        told = {name: keys.add(link, name, checked(given), "ada")[1] for name, given in grants.items()}
    return {name: TestClient(app, headers={"authorization": f"Bearer {key}"}) for name, key in told.items()}


def secrets(one: One) -> list[Any]:
    """What nobody is to read who may not see the project."""
    return [one.name, f'"{one.going}":', *one.made.values()]


def filled(value: Any, one: One) -> Any:
    """VALUE with names of things of ONE where it asks for them."""
    if isinstance(value, dict):
        return {key: filled(each, one) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, one) for each in value]
    facts = {**one.made, "going": one.going, "failed": one.failed}
    if not isinstance(value, str):
        return value
    return facts[value[1:-1]] if value.startswith("{") else value.replace("beta", one.name)


def ask(client: TestClient, method: str, path: str, said: Any) -> Any:
    if method == "GET":
        return client.get(path, params=said)
    return client.request(method, path, **({"json": said} if method != "DELETE" else {}))


def path_of(path: str, key: str, one: One, made_up: bool = False) -> str:
    """The PATH of a thing of ONE, or of what is nowhere."""
    family = path.removeprefix(f"{API}/").partition("/")[0]
    facts = {"id": one.going, "job": one.job, "name": one.source if family == "sources" else one.name,
             "digest": one.made[DIGESTS.get(family, "clean")]}  # fmt: skip
    nothing = {"id": 10**9, "job": 10**9, "name": "gamma/calls" if family == "sources" else "gamma", "digest": "f" * 64}
    values = {**REST, key: (nothing if made_up else facts)[key]}
    return re.sub(r"\{(\w+)(?::path)?\}", lambda found: str(values[found[1]]), path)


def told(response: Any, *names: Any) -> tuple[int, str]:
    """What RESPONSE says, without the NAMES that were asked for and its own id."""
    text = re.sub(r'"request":"\w+"', "", response.text)
    for name in names:
        text = text.replace(str(name), "NAME").replace(str(name)[:12], "NAME")
    return response.status_code, text
