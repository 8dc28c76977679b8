"""The verb `ensemble`: several models become one, in one graph that is served like any other."""

from __future__ import annotations

from typing import Any

from aimass.core.artifact import Examples, Model
from aimass.core.errors import InputError
from aimass.core.step import Context, step
from aimass.ensemble.base import Fusion, Members


@step
def ensemble(  # type: ignore[return]  # the folder is the answer
    ctx: Context,
    examples: Examples,
    models: dict[str, Model],
    *,
    how: Fusion = "greedy",  # type: ignore[assignment]  # spelled out in the task
) -> Model:
    """Make one model of MODELS; what has to be chosen (weights, who enters) is chosen on EXAMPLES' validation rows.

    \b
    models  members by name: same task and classes; the columns of each are among those of the examples
    how     how their answers become one
    Whether it paid is for `measure` to say.
    Example: aimass ensemble flights/prepare --models small=flights/linear --models large=flights/mlp --how greedy
    """
    import onnx

    from aimass.ensemble.joint import Joint
    from aimass.ensemble.shared import carry, shared, write

    models = dict(sorted(models.items()))
    signature = shared(models, examples)
    _check_task(how, signature.task)
    members = Members(models, examples, signature)
    joint = Joint({n: onnx.load(m.folder / "model.onnx") for n, m in models.items()}, signature, members.output)
    answer, found = how.fuse(members, joint)
    onnx.save(joint.finish(answer), ctx.folder / "model.onnx")
    carry(signature, examples, ctx.folder)
    write(ctx.folder / "model.json", _described(how, models, found))
    size = (ctx.folder / "model.onnx").stat().st_size
    ctx.tell(task=signature.task, members=len(models), bytes=size)


def _check_task(how: Fusion, task: str) -> None:
    if task not in how.tasks:
        raise InputError(
            f"{how.settings()['use']} cannot fuse the answers of a {task} task",
            expected=f"a task that is {' or '.join(how.tasks)}",
            todo='use how = "greedy", which fuses both classes and numbers',
            key="how",
        )


def _described(how: Fusion, models: dict[str, Model], found: dict[str, Any]) -> dict[str, Any]:
    """model.json: what it is made of, and how."""
    settings = how.settings()
    made = {
        name: {"digest": model.digest, **{k: model.read_json("model.json").get(k) for k in ("architecture", "passes")}}
        for name, model in models.items()
    }
    # A name without a colon: nothing is ever imported by it.
    use = f"{settings['use'].rpartition(':')[2]} of {', '.join(models)}"
    return {
        "architecture": {"use": use},
        "passes": [],
        "ensemble": {"how": settings, "members": made, "found": found},
    }
