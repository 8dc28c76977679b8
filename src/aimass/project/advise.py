"""Which accelerations would pay for a project, on this machine: its training as it would run, measured and not done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from aimass.core.artifact import Examples
from aimass.core.errors import InputError
from aimass.project.file import Project
from aimass.project.run import Run

if TYPE_CHECKING:
    from aimass.runner.workspace import Workspace
    from aimass.train.advisor.record import Advice

SECONDS = 60.0  # a network, where nobody says otherwise


def advise_project(
    project: Project,
    workspace: Workspace,
    *,
    seconds: float = SECONDS,
    note: Callable[[str], None] = lambda _: None,
    anew: bool = False,
) -> Iterator[tuple[str, Advice]]:
    """For each network that PROJECT would train: its name, and what the advisor found within SECONDS.

    What was found before is only confirmed, unless ANEW.

    Collects, cleans and prepares first, reusing what is done.  Raises InputError, with line and column, for what the
    project cannot do, and when it trains nothing by gradient descent.
    """
    from aimass.search.candidate import name_of

    run = Run(project, workspace, note)
    examples = workspace.get(run.until("prepare").artifacts["prepare"])
    assert isinstance(examples, Examples)
    networks = list(_networks(project, examples))
    if not networks:
        raise InputError(
            "the project trains nothing by gradient descent",
            expected="an architecture such as mlp, convnet or text",
            todo="name one in [search] models",
            key="search.models",
        )
    for architecture, recipe in networks:
        name = name_of(architecture.settings(), [])
        note(f"advising on {name}")
        yield name, _advice(recipe.order(architecture, examples, project.seed, None), seconds, note, anew)


def _networks(project: Project, examples: Examples) -> Iterator[tuple[Any, Any]]:
    """Each architecture with the recipe that would train it."""
    from aimass.models.base import Architecture
    from aimass.search.campaign import TRAINING, recipe_within
    from aimass.search.defaults import default_architectures
    from aimass.train.base import Recipe

    tables = project.search.models or default_architectures(examples.signature)
    parts = [Architecture.from_settings(table if isinstance(table, str) else dict(table)) for table in tables]
    for part in parts:
        if part.recipe == "gradient":
            minutes = TRAINING * project.spend.minutes / len(parts)
            yield part, Recipe.from_settings(recipe_within(part, minutes, project.train.recipe) or "gradient")


def _advice(order: dict[str, Any], seconds: float, note: Callable[[str], None], anew: bool) -> Advice:
    from aimass.train.advised import ask_advice
    from aimass.train.bench import LoopBench
    from aimass.train.parallel.single import Single
    from aimass.train.reproducible import device_here
    from aimass.train.worker import fresh_command, open_order

    opened = open_order(order, device_here())
    command = fresh_command(order, opened.plan)
    bench = LoopBench(opened.job, opened.plan, Single(opened.job.device), command)
    return ask_advice(bench, seconds, note, anew=anew)
