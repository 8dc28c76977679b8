"""The verb `import_model`: a model made elsewhere becomes one of ours, if it still answers as it did."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from aimass.core.artifact import Model
from aimass.core.errors import InputError, inside
from aimass.core.step import Body, Context, Place, Step, current
from aimass.imports.base import Importer

TOLERANCE = 1e-4


class ImportStep(Step):
    """A step that also takes a live object: what it answers is written down first, and then read as a file is."""

    def __call__(self, *models: Any, workspace: Place | None = None, **given: Any) -> Any:
        """MODELS: a path, or a model as an object, with `rows` as its framework takes them."""
        if len(models) > 1:
            raise InputError(f"import_model takes one model, got {len(models)}", expected="a path or an object",
                             todo="give settings by name")  # fmt: skip
        if models and not isinstance(models[0], (str, Path)):
            from aimass.imports.live import captured

            place = workspace or current.get()
            if place is None:
                raise InputError("import_model: no workspace", todo="open one first: aimass.Workspace('.aimass')")
            given = captured(models[0], given, place)
        elif models:
            given = {**given, "path": str(models[0])}
        return super().__call__(workspace=workspace, **given)


def importing(body: Body) -> ImportStep:
    """The step of BODY, never answered from memory: it looks at the outside world."""
    return ImportStep(body, revision=1, reuse=False)


@importing
def import_model(  # type: ignore[return]  # the folder is the answer
    ctx: Context,
    *,
    path: str,
    source: Importer | None = None,
    rows: str = "",
    task: Literal["auto", "binary", "multiclass", "regression", "other"] = "auto",
    target: str = "",
    classes: list[str] = [],  # noqa: B006 - spelled out in the task, never mutated
    columns: list[str] = [],  # noqa: B006
    answers: dict[str, str] = {},  # noqa: B006
    tolerance: float = TOLERANCE,
    memory_mb: int = 8192,
    minutes: float = 10.0,
) -> Model:
    """Import the model in the file PATH, if it answers as the original does; the comparison is kept with it.

    \b
    rows       what both are asked (.npz, .csv, .parquet); made up from what the model takes if not given
    task       what it answers; other: plain tensors under their own names
    target     what it predicts, in words of the domain
    classes    their names, in the order of the probabilities
    columns    names for the values of a row, where the model takes them as one list
    answers    our name = its output: label, probabilities, scores (before softmax), value, or any other name
    tolerance  how far a number may be from the original's, of its size where that is above 1
    memory_mb  what reading it may need, and for how many minutes
    A file that could run code when it is loaded is refused: give its model as an object, from Python.
    Example: aimass import-model --path model.onnx --rows rows.npz --save-as churn/imported
    """
    from aimass.imports.process import apart

    chosen, file = _source(source, path), _file(path)  # in this order: a folder may be a SavedModel
    if not tolerance >= 0:
        raise InputError(f"the tolerance is {tolerance}", expected="0 or more", key="tolerance")
    if memory_mb < 1 or not minutes > 0:
        raise InputError("no memory or no time at all", expected="memory_mb and minutes above 0", key="memory_mb")
    if rows:
        with inside("rows"):
            rows = str(_file(rows))
    asked = {"rows": rows, "task": task, "target": target, "classes": classes, "columns": columns, "answers": answers,
             "tolerance": tolerance}  # fmt: skip
    order = {"path": str(file), "source": chosen, "asked": asked, "out": str(ctx.folder), "seed": ctx.seed}
    found = apart(order, memory_mb=memory_mb, minutes=minutes, between=lambda: ctx.report())
    for line in found["log"]:
        ctx.log(line)
    ctx.tell(**found["facts"])


def _source(source: Importer | None, path: str) -> dict[str, Any]:
    """Settings of the importer that reads PATH.  Raises InputError for a program, whoever is asked to read it."""
    from aimass.imports.programs import importer_for, refuse_programs

    refuse_programs(Path(path), Path(path).suffix.lower())
    name = importer_for(Path(path)) if source is None else ""
    return (source or Importer.from_settings(name)).settings()


def _file(path: str) -> Path:
    from aimass.collect.files import one

    return one(path).absolute()
