"""Every page of the console by name: where it is, and what can be read there when it is whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from aimass.store.jobs import Jobs
from tests.console.browser.watched import Site

DECLARED = Path(__file__).parents[3] / "frontend" / "src" / "routes.ts"
GROWN = ("finished", "flights, small network")
MLP = '{"model":{"use":"mlp","width":64,"dropout":0.95}}'


def grown(site: Site) -> str:
    """The finished run with curves."""
    return next(row["id"] for row in site.workspace.runs() if (row["state"], row["label"]) == GROWN)


def several(site: Site) -> list[str]:
    """Finished runs with curves, that were told different things."""
    return [row["id"] for row in site.workspace.runs() if row["state"] == "finished" and row["step"].endswith(":grow")]


def failed(site: Site) -> str:
    return next(row["id"] for row in site.workspace.runs() if row["state"] == "failed")


def ledgers(site: Site) -> list[str]:
    """The newest first: the first of them picked nothing."""
    return [row["digest"] for row in site.workspace.artifacts("report") if row["step"] == "choose"]


def advised(site: Site) -> str:
    models = site.workspace.artifacts("model")
    return next(row["digest"] for row in models if "advice.json" in site.workspace.open(row["digest"]).manifest.files)


def dataset(site: Site, step: str = "clean") -> str:
    """The newest dataset that STEP made."""
    return next(row["digest"] for row in site.workspace.artifacts("dataset") if row["step"] == step)


def done(site: Site) -> str:
    rows = Jobs(site.workspace.catalog).rows()
    return next(row["id"] for row in rows if row["state"] == "finished" and row["kind"] == "task")


Place = tuple[Callable[[Site], str], str]

PAGES: dict[str, Place] = {
    "home": (lambda site: "/", "Are things well?"),
    "sources": (lambda site: "/sources", "flights/flights"),
    "source": (lambda site: "/sources/flights%2Fflights", "+150"),
    "datasets": (lambda site: "/datasets", "flights/clean"),
    "dataset": (lambda site: f"/datasets/{dataset(site)}?column=distance", "Standard deviation"),
    "dataset-quality": (lambda site: f"/datasets/{dataset(site)}?tab=quality", "not a whole number"),
    "dataset-difference": (lambda site: f"/datasets/{dataset(site)}?tab=difference&column=distance", "chance alone"),
    "runs": (lambda site: "/runs", "flights, small network"),
    "run": (lambda site: f"/runs/{grown(site)}", "Drag to zoom"),
    "run-failed": (lambda site: f"/runs/{failed(site)}", "cannot be used"),
    "run-machine": (lambda site: f"/runs/{grown(site)}?tab=machine", "written by this run"),
    "run-logs": (lambda site: f"/runs/{grown(site)}?tab=logs", "begun at 0"),
    "run-parameters": (lambda site: f"/runs/{grown(site)}?tab=parameters", "pause"),
    "endpoints": (lambda site: "/endpoints", "p99, ms"),
    "endpoint": (lambda site: "/endpoints/customers", "Time to answer"),
    "endpoint-publish": (lambda site: "/endpoints/customers?act=publish&to=1", "answers its examples"),
    "playground": (lambda site: "/playground/customers?explain=200", "Send record"),
    "models": (lambda site: "/models", "flights"),
    "model": (lambda site: "/models/flights/2", "What it takes"),
    "model-graph": (lambda site: "/models/flights/2?tab=graph&view=table", "By operator"),
    "model-explanations": (lambda site: "/models/flights/1?tab=explanations", "What it relies on"),
    "model-lineage": (lambda site: "/models/flights/2?tab=lineage", "artifacts"),
    "ledgers": (lambda site: "/ledgers", "linear"),
    "ledger": (lambda site: f"/ledgers/{ledgers(site)[1]}", "better: up and left"),
    "advice": (lambda site: f"/advice/{advised(site)}", "takes 40 s"),
    "start": (lambda site: "/start?file=customers.csv&target=bought", "p99_ms = 20.0"),
    "files": (lambda site: "/files?file=customers.csv", "alpha"),
    "job": (lambda site: f"/jobs/{done(site)}", "tests.console.chores:grow"),
    "clone": (lambda site: f"/new-run?from={grown(site)}", "Ready"),
    "new-run": (lambda site: f"/new-run?settings={MLP}", "to be mended"),
    "compare": (lambda site: f"/compare?runs={','.join(several(site))}", "Drag to zoom"),
    "compare-nothing": (lambda site: "/compare", "Choose runs to compare"),
    "jobs": (lambda site: "/jobs", "customers"),
    "archive": (lambda site: "/archive", "does not hold"),
    "archive-look": (lambda site: "/archive?file=flights-2026-01-02.aimass.zip", "nothing: all of it is here already"),
    "users": (lambda site: "/users", "1 user"),
    "keys": (lambda site: "/keys", "No key yet"),
    "audit": (lambda site: "/audit", "users.create"),
    "settings": (lambda site: "/settings", "In this browser"),
    "help": (lambda site: "/help", "onnxruntime"),
    "nothing": (lambda site: "/nowhere", "nowhere"),
}
STATES = {  # of pages that stand here in another one, too
    "dataset-quality", "dataset-difference", "run-failed", "run-machine", "run-logs", "run-parameters",
    "endpoint-publish", "model-graph", "model-explanations", "model-lineage", "archive-look", "compare-nothing",
    "clone",
}  # fmt: skip
ROUTES = [name for name in PAGES if name not in STATES]
KEPT: dict[str, Place] = {  # pages that are whole where `aimass up` keeps a workspace: test_manage looks at them there
    "subsystems": (lambda site: "/subsystems", "What they stand on"),
    "parameters": (lambda site: "/parameters", "Live parameters"),
    "logs": (lambda site: "/logs", "Logs"),
    "playgrounds": (lambda site: "/playground", "Playground"),  # that of the first endpoint
}
PARTS: dict[str, Place] = {  # tabs of which no picture is kept
    "dataset, rows": (lambda site: f"/datasets/{dataset(site)}?tab=rows", "flight 3"),
    "dataset, quarantine": (lambda site: f"/datasets/{dataset(site)}?tab=quarantine", "onerror=alert"),
    "dataset, contract": (lambda site: f"/datasets/{dataset(site)}?tab=contract", "at least 0"),
    "dataset, versions": (lambda site: f"/datasets/{dataset(site)}?tab=versions", "this one"),
    "dataset, lineage": (lambda site: f"/datasets/{dataset(site)}?tab=lineage", "artifacts"),
    "run, artifacts": (lambda site: f"/runs/{grown(site)}?tab=artifacts", "Came out"),
    "model, compression": (lambda site: "/models/flights/2?tab=compression", "better: up and left"),
    "model, versions": (lambda site: "/models/flights/2?tab=versions", "@1"),
    "model, graph": (lambda site: "/models/deep/1?tab=graph&view=drawn", "may take minutes to draw"),
    "ledgers, advice": (lambda site: "/ledgers?tab=advice", "adopted"),
    "ledger, nothing picked": (lambda site: f"/ledgers/{ledgers(site)[0]}", "Nothing was picked"),
    "job, log": (lambda site: f"/jobs/{done(site)}?tab=log", "What it says"),
    "job, task": (lambda site: f"/jobs/{done(site)}?tab=work", "pause"),
    "playground, code": (lambda site: "/playground/customers?show=python", "urllib.request"),
}
PLACES = PAGES | KEPT | PARTS
SILENT = {"/settings": "it shows what this browser keeps, and asks the server for nothing"}  # pages that cannot fail
AWAITED = [name for name in [*ROUTES, *KEPT, "ledgers, advice"] if name not in ("settings", "nothing")]


class Route(NamedTuple):
    """A page as the console declares it."""

    path: str
    title: str
    needs: str  # permission, "" for none


def declared() -> list[Route]:
    """All pages, in the order in which an address is looked for among them."""
    lines = [line for line in DECLARED.read_text(encoding="utf-8").splitlines() if "page: () => import(" in line]
    return [Route(*(_said(line, what) for what in Route._fields)) for line in lines]


def route_at(address: str) -> Route:
    """The page at ADDRESS."""
    path = address.partition("?")[0]
    return next(one for one in declared() if re.fullmatch(re.sub(r":\w+", "[^/]+", one.path), path))


def _said(line: str, what: str) -> str:
    found = re.search(rf"\b{what}: '([^']*)'", line)
    return found[1] if found else ""
