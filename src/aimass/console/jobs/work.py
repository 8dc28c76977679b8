"""What a job does: one task, or a whole project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from aimass.core.errors import AimassError, InputError
from aimass.core.step import load_step
from aimass.core.task import Task
from aimass.runner.workspace import Workspace

Said = dict[str, Any]
FILE, DATA = "aimass.toml", "data"
NAME = re.compile(r"[\w.-]+(/[\w.-]+)*")


def carry_out(kind: str, work: Said, workspace: Workspace, folder: Path) -> Said:
    """What came of WORK, which a job of this KIND asked for; FOLDER is the job's own.  Raises AimassError."""
    if kind in ("export", "import"):
        from aimass.console import archives

        return {"export": archives.exported, "import": archives.imported}[kind](work, workspace, folder)
    return {"task": _task, "project": _project}[kind](work, workspace, folder)


def data_of(workspace: Workspace) -> Path:
    """Where the files lie that projects of the console may read; their paths are relative to it."""
    return workspace.folder / DATA


def label_of(kind: str, work: Any) -> str:
    """What a job is called in lists.  Raises InputError for WORK that is no work of this KIND."""
    return task_of(work).step if kind == "task" else _name(project_text(work))


def task_of(work: Any) -> Task:
    """The task in WORK, which may also say what to `save_as`.  Raises InputError."""
    known = Task.__dataclass_fields__
    if not isinstance(work, dict) or not set(work) <= {*known, "save_as"} or not {"step", "revision"} <= set(work):
        raise InputError("not a task", expected=f"a table of {', '.join(known)}", key="task")
    check_name(work.get("save_as", ""))
    task = Task(**{"settings": {}, "inputs": {}, **{name: work[name] for name in known if name in work}})
    kinds = {"step": str, "revision": (int, str), "settings": dict, "inputs": dict, "seed": int, "label": str}
    for name, kind in kinds.items():
        if not isinstance(getattr(task, name), kind):  # type: ignore[arg-type]
            raise InputError(f"{name} is {getattr(task, name)!r}", expected="as `aimass logs RUN --json` shows it",
                             key=name)  # fmt: skip
    return task


def check_name(name: Any) -> None:
    """Raises InputError for what NAME cannot be saved as: one with @ is an alias, which publishing moves."""
    if not isinstance(name, str) or (name and not NAME.fullmatch(name)):
        raise InputError(f"{name!r:.60} cannot be a name", expected="letters, digits and . _ / -", key="save_as")


def project_text(work: Any) -> str:
    """The text of the project file in WORK, whose keys `sets` may override.  Raises InputError."""
    text = work.get("text") if isinstance(work, dict) else None
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise InputError("not a project", expected='{"text": the text of an aimass.toml}', key="project")
    return text


def _task(work: Said, workspace: Workspace, folder: Path) -> Said:
    task = task_of(work)
    artifact, said = load_step(task.step).run(workspace, task, save_as=work.get("save_as") or None)
    return {"digest": artifact.digest, "kind": artifact.kind, **said}


def _project(work: Said, workspace: Workspace, folder: Path) -> Said:
    from aimass.project.file import load
    from aimass.project.run import Run
    from aimass.project.steps import run_steps

    file = folder / FILE
    file.write_text(project_text(work), encoding="utf-8")
    project = load(file, tuple(work.get("sets", ())), folder=data_of(workspace))
    if "steps" in project.tables:
        return {"artifacts": {name: made.digest for name, made in run_steps(project, workspace).items()}}
    run = Run(project, workspace, lambda message: print(message, flush=True))
    try:
        run.until(work.get("until", "publish"))
    except AimassError as error:
        if run.outcome.ledger:  # no candidate meets the budgets: the ledger says why
            print(f"the ledger is {run.outcome.artifacts['ledger'][:12]}", flush=True)
        raise error
    told = run.outcome
    return {"artifacts": told.artifacts, "release": told.release, "seconds": round(told.seconds["total"], 3)}


def _name(text: str) -> str:
    import tomllib

    try:
        name = tomllib.loads(text).get("name", "project")
    except (ValueError, RecursionError) as error:  # also a whole number of thousands of digits, brackets without end
        raise InputError(f"not TOML: {error}", expected="the text of an aimass.toml", key="project") from error
    return str(name)
