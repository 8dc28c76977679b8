"""Carry a project out: collect -> clean -> prepare -> search (train, compress, measure) -> publish.

No logic of its own: every stage is a task of the workspace, so finished ones are reused and killed ones go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.core.artifact import Artifact, Dataset, Examples, Model, Release, Report
from aimass.core.errors import InfeasibleError, unknown
from aimass.core.task import each
from aimass.project import plan
from aimass.project.file import Project, load

if TYPE_CHECKING:
    from aimass.runner.workspace import Event, Workspace

STOPS = ("collect", "clean", "prepare", "search", "publish")


@dataclass
class Outcome:
    """What a run came to; `as_json` is the file `--json OUT` writes."""

    project: str
    artifacts: dict[str, str] = field(default_factory=dict)  # step -> digest
    seconds: dict[str, float] = field(default_factory=dict)  # by stage; those of search also by step
    ledger: dict[str, Any] = field(default_factory=dict)
    release: dict[str, Any] | None = None
    endpoint: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "goal": self.ledger.get("goal", []),
            "pick": self.ledger.get("pick"),
            "binding": self.ledger.get("binding"),
            "nearest": self.ledger.get("nearest", []),
            "ledger": self.ledger.get("candidates", []),
            "release": self.release,
            "endpoint": self.endpoint,
            "artifacts": self.artifacts,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }


class Run:
    """One run of one project in one workspace, with one clock."""

    def __init__(self, project: Project, workspace: Workspace, note: Callable[[str], None]) -> None:
        self.project, self.workspace, self.note = project, workspace, note
        self.outcome = Outcome(project.name)
        self.started = time.monotonic()

    def until(self, stop: str) -> Outcome:
        """Run every stage up to and including STOP.  Raises InfeasibleError when no candidate fits the budgets;
        the ledger is in `outcome` then too."""
        if stop not in STOPS:
            raise unknown("stage to stop after", stop, STOPS)
        self.plan()
        with self.workspace.tracked(plan.trackers(self.project)):
            return self._until(stop)

    def _until(self, stop: str) -> Outcome:
        sources = self.timed("collect", self.collect)
        if stop == "collect":
            return self.outcome
        dataset = self.timed("clean", lambda: self.clean(sources))
        if stop == "clean":
            return self.outcome
        examples = self.timed("prepare", lambda: self.prepare(dataset))
        if stop == "prepare":
            return self.outcome
        ledger = self.timed("search", lambda: self.search(examples))
        if stop == "publish":
            self.timed("publish", lambda: self.publish(ledger))
        return self.outcome

    def timed(self, name: str, body: Callable[[], Any]) -> Any:
        begin = time.monotonic()
        try:
            return body()
        finally:
            self.outcome.seconds[name] = time.monotonic() - begin
            self.outcome.seconds["total"] = time.monotonic() - self.started

    def step(self, verb: str, keys: list[str], inputs: dict[str, Any], given: dict[str, Any], name: str = "") -> Any:
        """Run one task and keep its artifact's digest in the outcome."""
        refs = each(inputs, lambda made: made.digest if isinstance(made, Artifact) else made)
        task, save_as = plan.task(self.project, verb, keys, refs, given, name), f"{self.project.name}/{name or verb}"
        run = partial(self.workspace.run, task, on=self.project.on, save_as=save_as)
        artifact = self.project.placed(keys, run)
        self.outcome.artifacts[name or verb] = artifact.digest
        return artifact

    # -- the stages -----------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Resolve every part before any work: a misspelt name on the last line costs no minutes."""
        plan.check(self.project)

    def collect(self) -> dict[str, Dataset]:
        found = {}
        for name, table in self.project.sources.items():
            saved = f"collect/{name}"
            before = self.workspace.find_name(f"{self.project.name}/{saved}")
            given = {"name": f"{self.project.name}/{name}", "source": table}
            found[name] = self.step("collect", plan.source_keys(self.project, name), {"previous": before}, given, saved)
        return found

    def clean(self, sources: dict[str, Dataset]) -> Dataset:
        cleaned: Dataset = self.step("clean", ["clean"], {"sources": sources}, self.project.tables.get("clean", {}))
        return cleaned

    def prepare(self, dataset: Dataset) -> Examples:
        examples: Examples = self.step(
            "prepare", ["prepare"], {"dataset": dataset}, plan.prepare_settings(self.project)
        )
        return examples

    def search(self, examples: Examples) -> Report:
        from aimass.search.campaign import search

        chosen = self.project.search
        unseen = self.workspace.observe(self.saw)
        try:
            ledger = search(
                self.workspace,
                examples,
                goal=plan.goal(self.project),
                architectures=chosen.models,
                passes=chosen.passes,
                engines=chosen.engines,
                recipe=self.project.train.recipe,
                measuring=self.project.measure.given(),
                minutes=self.project.spend.minutes,
                seed=self.project.seed,
                started=self.started,
                note=self.note,
                on=self.project.on,
                needs=self.project.train.needs,
            )
        finally:
            unseen()
        self.outcome.artifacts["ledger"] = ledger.digest
        self.outcome.ledger = ledger.read_json("ledger.json")
        self.workspace.alias(ledger.digest, f"{self.project.name}/ledger")
        if self.outcome.ledger["pick"] is None:
            raise _infeasible(self.outcome.ledger)
        self.workspace.alias(self.outcome.ledger["pick"]["model"], f"{self.project.name}/model")
        return ledger

    def saw(self, event: Event) -> None:
        """Keep what a step of the search made, and add up its seconds.  A model gets the name PROJECT/CANDIDATE, the
        ledger PROJECT/ledger: what `aimass publish` asks for."""
        verb, name = event.task.step, event.task.label
        seconds = self.outcome.seconds
        seconds[verb] = seconds.get(verb, 0.0) + event.seconds
        if event.artifact is not None and name != verb:
            self.outcome.artifacts[f"{verb}/{name}"] = event.artifact.digest
        if event.artifact is not None and (isinstance(event.artifact, Model) or verb == "choose"):
            name = "ledger" if verb == "choose" else name
            self.workspace.alias(event.artifact.digest, f"{self.project.name}/{name}")

    def publish(self, ledger: Report) -> None:
        """Make the release, let it answer, and only then give it its number: the alias never points to a failure."""
        from aimass.publish.registry import publish_version

        settings = self.project.publish
        name = settings.name or self.project.name
        given = {"name": name, "alias": settings.alias} | ({} if settings.gates is None else {"gates": settings.gates})
        inputs = {"model": self.outcome.ledger["pick"]["model"], "ledger": ledger}
        release: Release = self.step("publish", ["publish"], inputs, given)
        self.outcome.endpoint = self.prove(release, name)
        version = publish_version(self.workspace, release, name, alias=settings.alias)
        self.outcome.release = {"version": version, "alias": f"{name}@{settings.alias}", "digest": release.digest}

    def prove(self, release: Release, name: str) -> dict[str, Any]:
        """Start the release as an endpoint of its own, send its sample records, keep one question and answer."""
        from aimass.measure.latency_endpoint import ask, endpoint

        records = release.read_json("sample.json")
        with endpoint(release.folder, name) as url:
            answer = ask(f"{url}/v1/predict/{name}", {"records": records})
        return {
            "command": f"aimass serve {name} --port {self.project.serve.port}",
            "path": f"/v1/predict/{name}",
            "record": records[0],
            "answer": answer["predictions"][0],
        }


def _infeasible(ledger: dict[str, Any]) -> InfeasibleError:
    nearest = "; ".join(choice["summary"] for choice in ledger.get("nearest", []))
    binding = ledger.get("binding") or {}
    return InfeasibleError(
        f"no candidate meets every budget; the binding one is {binding.get('summary', 'unknown')}",
        expected="at least one candidate within floor, p99_ms and size_mb; nothing was published",
        todo=f"relax a budget or add candidates; nearest: {nearest or 'none'}",
    )


def run_project(project: Project | str, workspace: Workspace, *, until: str = "publish",
                note: Callable[[str], None] = lambda _: None) -> Outcome:  # fmt: skip
    """Carry PROJECT (or the file of that path) out in WORKSPACE; what `aimass run` does.

    Raises InputError for what the user gave, InfeasibleError when no candidate meets the budgets.
    """
    loaded = load(Path(project)) if isinstance(project, str) else project
    return Run(loaded, workspace, note).until(until)
