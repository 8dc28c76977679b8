"""AI Mass: raw data to a fast, small, explained, watched model at a live endpoint.

    with aimass.Workspace(".aimass"):
        rows = aimass.collect(name="rows", source={"use": "csv", "path": "customers.csv"})
        examples = aimass.prepare(aimass.clean({"rows": rows}), target="churned")
        model = aimass.train(examples, model="mlp")

Every name below is found when first used, so that `import aimass` costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from aimass.core.stages import STAGES

__version__ = "0.1.0"

_PLACES = {
    "Workspace": "aimass.runner.workspace:Workspace",
    "Part": "aimass.core.part:Part",
    "knob": "aimass.core.part:knob",
    "step": "aimass.core.step:step",
    "Signature": "aimass.core.signature:Signature",
    "Field": "aimass.core.signature:Field",
    **{
        name: f"aimass.core.artifact:{name}"
        for name in ("Artifact", "Dataset", "Examples", "Model", "Report", "Release")
    },
    "AimassError": "aimass.core.errors:AimassError",
    "InputError": "aimass.core.errors:InputError",
    "InfeasibleError": "aimass.core.errors:InfeasibleError",
    "Collector": "aimass.collect.base:Collector",
    "Cursor": "aimass.collect.base:Cursor",
    "Malformed": "aimass.collect.base:Malformed",
    "Architecture": "aimass.models.base:Architecture",
    "Metric": "aimass.measure.base:Metric",
    "fit": "aimass.train.fit:fit",
    "Fitted": "aimass.train.fit:Fitted",
    "load_project": "aimass.project.file:load",
    "run_project": "aimass.project.run:run_project",
}
_VERBS = tuple(verb for stage in STAGES for verb in stage.verbs)

__all__ = [*_PLACES, *_VERBS]


class _Verb(ModuleType):
    """A stage's folder is also its verb: `aimass.train` is a module, and calling it runs the step."""

    def __call__(self, *artifacts: Any, **given: Any) -> Any:
        from aimass.core.step import load_step

        return load_step(self.__name__.rpartition(".")[2])(*artifacts, **given)


class _Package(ModuleType):
    """Makes the modules of `_VERBS` callable at the moment the import system binds them here."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _VERBS and isinstance(value, ModuleType):
            value.__class__ = _Verb
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        from aimass.core.step import load_step

        return load_step(name)
    if name in _PLACES:
        module, _, attribute = _PLACES[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'aimass' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
