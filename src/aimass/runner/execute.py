"""The one function every runner calls: a task's JSON in, the digest of its artifact out."""

from __future__ import annotations

import errno
import shutil
import traceback
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass import __version__
from aimass.core.artifact import Artifact, seal
from aimass.core.errors import AimassError, Stopped, StoreError, TaskFailed
from aimass.core.step import Step, load_step
from aimass.core.task import Task, each
from aimass.runner.context import RunContext
from aimass.runner.gang import Launch
from aimass.runner.launch import local
from aimass.runner.scratch import scratch_in
from aimass.store.base import writing
from aimass.store.catalog import now
from aimass.store.trackers.mirror import Mirrors

if TYPE_CHECKING:
    from aimass.runner.workspace import Workspace


def execute(
    task_json: str, workspace_url: str, run: str = "", needs: Mapping[str, Any] | None = None,
    launch: Launch = local.launch,
) -> str:  # fmt: skip
    """Run the step of TASK_JSON in the workspace at WORKSPACE_URL; returns the digest of what it made.

    NEEDS says how many workers its gangs have, LAUNCH how these come to be.

    Raises the body's AimassError, or TaskFailed for anything else it raised (the traceback is in the run's log).
    """
    from aimass.runner.workspace import Workspace

    task = Task.from_json(task_json)
    workspace = Workspace.reopen(workspace_url)
    step = load_step(task.step)
    run = run or workspace.catalog.start_run(task)
    mirrors = Mirrors(workspace.trackers, run, task, partial(workspace.catalog.add_log, run))
    try:
        digest = _work(workspace, step, task, run, mirrors, needs or {}, launch)
    except BaseException as error:
        told = _as_aimass(error, step, run)
        state = "stopped" if isinstance(told, Stopped) else "failed"
        if told is not error and isinstance(error, Exception):
            workspace.catalog.add_log(run, "".join(traceback.format_exception(error)))
        workspace.catalog.end_run(run, state, error=told.as_json())
        mirrors.close(state, {"error": told.what})
        if told is error or not isinstance(error, Exception):
            raise
        raise told from error
    workspace.catalog.end_run(run, "finished", output=digest)
    mirrors.close("finished", {"output": digest, **workspace.open(digest).facts})
    return digest


def _work(
    workspace: Workspace, step: Step, task: Task, run: str, mirrors: Mirrors, needs: Mapping[str, Any], launch: Launch
) -> str:
    inputs = {name: each(ref, workspace.open) for name, ref in task.inputs.items() if ref is not None}
    resume = workspace.folder / "resume" / task.digest
    with writing(str(resume)):
        resume.mkdir(parents=True, exist_ok=True)
    with scratch_in(workspace.folder) as scratch:
        context = RunContext(folder=scratch, resume=resume, seed=task.seed, lake=workspace.lake, run=run,
                             catalog=workspace.catalog, mirror=mirrors.points, needs=needs, launch=launch)  # fmt: skip
        with context:
            made = step.body(context, **inputs, **step.arguments(task))
        digest = made.digest if isinstance(made, Artifact) else _publish(workspace, step, task, scratch, context.facts)
    shutil.rmtree(resume, ignore_errors=True)
    return digest


def _publish(workspace: Workspace, step: Step, task: Task, scratch: Path, facts: dict[str, Any]) -> str:
    with writing(f"the result of {task.step}"):
        manifest = seal(step.returns.kind, scratch, task.parents, made_by=task.digest, step=task.step,
                        created=now(), version=__version__, facts=facts)  # fmt: skip
    workspace.bytes.put(scratch, manifest)
    workspace.catalog.add_artifact(manifest)
    return manifest.digest


def _as_aimass(error: BaseException, step: Step, run: str) -> AimassError:
    if isinstance(error, AimassError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return StoreError(f"{step.name} cannot write: {error.strerror}", expected="free space in the workspace",
                          todo="free some space and run again; finished steps are reused")  # fmt: skip
    if isinstance(error, KeyboardInterrupt):
        return Stopped(f"{step.name} was interrupted", todo="run again to go on")
    return TaskFailed(f"{step.name} failed: {type(error).__name__}: {error}", todo=f"see: aimass logs {run}")
