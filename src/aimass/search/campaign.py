"""A search: every architecture trained, then accelerated, each measured by itself; then the choice.

Everything is a task of the workspace, so a repeated search reuses what is done.  Floats come first: when time runs
out, every architecture should have had its turn before the accelerations do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aimass.compress.base import Pass
from aimass.core.artifact import Artifact, Examples, Model, Report
from aimass.core.errors import AimassError, InputError, TaskFailed
from aimass.core.part import resolve
from aimass.core.step import Place, load_step
from aimass.engines.base import Engine
from aimass.measure.machine import machine_digest
from aimass.models.base import Architecture
from aimass.search.candidate import name_of
from aimass.search.defaults import default_architectures, default_passes
from aimass.search.engines import usual_engines
from aimass.search.goal import Goal

TRAINING = 0.6  # share of the clock that training may use; compressing, measuring and publishing need the rest


def search(
    workspace: Place,
    examples: Examples,
    *,
    goal: Goal,
    architectures: Sequence[Any] | None = None,
    passes: Sequence[Any] | None = None,
    engines: Sequence[Any] | None = None,
    recipe: Any = None,
    measuring: Mapping[str, int] | None = None,
    minutes: float,
    seed: int = 0,
    started: float | None = None,
    note: Callable[[str], None] = lambda _: None,
    on: str | None = None,
    needs: Mapping[str, Any] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Train, accelerate, measure and choose; returns the ledger, with or without a pick.

    ARCHITECTURES: parts, tables or names; PASSES: lists of them, each tried on every model; ENGINES: each tried on
    every model and what passes made of it; None means the defaults for the data.  RECIPE: for every architecture it
    fits; NEEDS: of training, such as workers.  MEASURING: settings of `measure` other than its own defaults (samples,
    processes, calls).  MINUTES on the CLOCK since STARTED (its value, in seconds) are for everything; the first
    candidate is finished whatever it takes.  ON: where training and compressing run; measuring is never sent away and
    never runs beside anything.  NOTE hears what begins.

    A candidate that fails becomes a row of the ledger; when all fail the first error is raised.
    """
    metric = goal.metric_for(examples.signature.task).settings()
    tried = [Architecture.from_settings(_table(a)) for a in architectures or default_architectures(examples.signature)]
    lists = [_pass_list(entry) for entry in (default_passes() if passes is None else passes)]
    campaign = Campaign(workspace, examples, goal, {"metrics": [metric], "clients": goal.clients, **(measuring or {})},
                        seed, on, note, minutes, clock() if started is None else started, clock, needs)  # fmt: skip
    recipes = [recipe_within(a, TRAINING * minutes / len(tried), recipe) for a in tried]
    chosen = None if engines is None else [Engine.from_settings(_table(e)) for e in engines]
    floats = [campaign.train(a, own) for a, own in zip(tried, recipes, strict=True)]
    smaller = [
        campaign.accelerate(architecture, model, group)
        for architecture, model in zip(tried, floats, strict=True)
        for group in filter(None, lists)
    ]
    for made in filter(None, [*floats, *smaller]):
        campaign.run_by(made, chosen)
    return campaign.choose()


def recipe_within(architecture: Architecture, minutes: float, chosen: Any = None) -> dict[str, Any] | None:
    """CHOSEN if it fits ARCHITECTURE, else its usual recipe, limited to MINUTES where it knows such a limit and says
    none itself; None for the usual recipe as it is.

    A function of the project's settings only, never of the clock: the same project is the same task.
    """
    given = {"use": chosen} if isinstance(chosen, str) else dict(chosen or {"use": architecture.recipe})
    recipe: Any = resolve("recipe", given["use"])
    if chosen is not None and recipe.fits != architecture.recipe:
        return recipe_within(architecture, minutes)
    if "minutes" in {row["name"] for row in recipe.schema()}:
        return {"minutes": round(minutes, 3), **given}
    return None if chosen is None else given


@dataclass
class Campaign:
    """One search: what it tries with, and what it has found."""

    workspace: Place
    examples: Examples
    goal: Goal
    measuring: dict[str, Any]  # settings of `measure`
    seed: int
    on: str | None
    note: Callable[[str], None]
    minutes: float
    started: float
    clock: Callable[[], float]
    needs: Mapping[str, Any] | None = None  # of training
    reports: list[Artifact] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    errors: list[AimassError] = field(default_factory=list)
    measured: dict[str, Artifact] = field(default_factory=dict)  # model -> its report
    measuring_took: float = 0.0  # minutes, the last time
    accelerated_took: float = 0.0  # minutes the last accelerated candidate took in all; 0 before there is one

    def train(self, architecture: Architecture, recipe: dict[str, Any] | None) -> Model | None:
        """The float model of ARCHITECTURE, trained and measured; None when it failed or was not tried."""
        name = name_of(architecture.settings(), [])
        given = {"model": architecture.settings(), "recipe": recipe}
        return self.candidate(
            name, lambda: self.run("train", {"examples": self.examples}, given, name, self.on, self.needs), None
        )

    def accelerate(self, architecture: Architecture, model: Model | None, passes: list[Pass]) -> Model | None:
        """MODEL through PASSES, measured against MODEL; None when it failed, or was not tried."""
        name = name_of(architecture.settings(), [p.settings() for p in passes])
        if model is None:
            self.row(name, "not tried", f"{name_of(architecture.settings(), [])} has no measured model")
            return None
        reason = next((why for each in passes if (why := each.applies(model))), "")
        if reason:
            self.row(name, "not applicable", reason)
            return None
        inputs, given = {"model": model, "examples": self.examples}, {"passes": [p.settings() for p in passes]}
        return self.candidate(name, lambda: self.run("compress", inputs, given, name, self.on), model)

    def run_by(self, model: Model, engines: Sequence[Engine] | None) -> None:
        """MODEL, run by each of ENGINES or those that may pay, measured against itself by the usual one."""
        facts = model.read_json("model.json")
        call_ms = self.measured[model.digest].read_json("report.json")["engine"]["p50_ms"]["value"]
        tried = usual_engines(facts["architecture"], call_ms) if engines is None else [(e, "") for e in engines]
        for engine, reason in tried:
            name = name_of(facts["architecture"], facts["passes"], engine.settings())
            if reason:
                self.row(name, "not applicable", reason)
            else:
                self.candidate(name, lambda: model, model, engine)

    def candidate(
        self, name: str, make: Callable[[], Artifact], baseline: Model | None, engine: Engine | None = None
    ) -> Model | None:
        """Make and measure one candidate; what goes wrong is its row."""
        if self.reports and (why := self.too_late(baseline)):
            self.row(name, "not tried", why)
            return None
        begun = self.spent()
        try:
            model = make()
            made = self.spent()
            report = self.measure(model, baseline, name, engine)
        except (InputError, TaskFailed) as error:
            self.errors.append(error)
            self.row(name, "failed", error.what)
            return None
        self.measuring_took = self.spent() - made
        if baseline is not None:
            self.accelerated_took = self.spent() - begun
        self.reports.append(report)
        assert isinstance(model, Model)
        if engine is None:
            self.measured[model.digest] = report
        return model

    def measure(self, model: Artifact, baseline: Model | None, name: str, engine: Engine | None = None) -> Artifact:
        """The report of MODEL run by ENGINE; BASELINE's answers come from its own report."""
        answered = None if baseline is None else self.measured[baseline.digest]
        inputs = {"model": model, "examples": self.examples, "baseline": baseline, "answered": answered}
        given = {**self.measuring, "machine": machine_digest(), "engine": engine and engine.settings()}
        return self.run("measure", inputs, given, name, None)

    def spent(self) -> float:
        """Minutes since the start."""
        return (self.clock() - self.started) / 60

    def too_late(self, baseline: Model | None) -> str:
        """Why no further candidate may begin, or "".  An accelerated one (with a BASELINE) needs as long as the last
        of its kind, or at least as its model's measurement; how long a training takes is for its recipe to keep."""
        spent = self.spent()
        if spent >= self.minutes:
            return f"{spent:.1f} of {self.minutes:g} minutes spent"
        needed = self.accelerated_took or self.measuring_took
        if baseline is None or self.minutes - spent >= needed:
            return ""
        left = f"{60 * (self.minutes - spent):.0f} s of {self.minutes:g} minutes left"
        what = "accelerated candidate" if self.accelerated_took else "measurement"
        return f"{left}, the last {what} took {60 * needed:.0f} s"

    def run(
        self,
        verb: str,
        inputs: dict[str, Any],
        given: dict[str, Any],
        name: str,
        on: str | None,
        needs: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """One task."""
        self.note(f"{verb} {name}")
        refs = {key: value.digest for key, value in inputs.items() if value is not None}
        return self.workspace.run(load_step(verb).task(refs, given, self.seed, name), on=on, needs=needs)

    def row(self, name: str, status: str, reason: str) -> None:
        self.failures.append({"candidate": name, "status": status, "reason": reason})

    def choose(self) -> Report:
        """The ledger.  Raises the first error when nothing was measured."""
        if not self.reports:
            raise self.errors[0]
        step = load_step("choose")
        given = {"goal": self.goal, "failures": self.failures}
        task = step.task({"reports": [r.digest for r in self.reports]}, given, self.seed, "choose")
        ledger = self.workspace.run(task)
        assert isinstance(ledger, Report)
        return ledger


def _table(choice: Any) -> Any:
    return choice.settings() if hasattr(choice, "settings") else choice


def _pass_list(entry: Any) -> list[Pass]:
    """A list of passes; a single one stands for itself."""
    return [Pass.from_settings(_table(p)) for p in (entry if isinstance(entry, (list, tuple)) else [entry])]
