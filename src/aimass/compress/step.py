"""The verb `compress`: the network of a model goes through passes; everything around it stays."""

from __future__ import annotations

import json
import shutil

from aimass.compress.base import Pass
from aimass.core.artifact import Examples, Model
from aimass.core.errors import InputError
from aimass.core.step import Context, step

# model.onnx is assembled anew; float weights and trees no longer describe the network, so they stay behind.
KEPT = (
    "network.onnx", "graph.onnx", "signature.json", "head.json", "sample.json", "background.npz", "model.json",
)  # fmt: skip


@step
def compress(  # type: ignore[return]  # the folder is the answer
    ctx: Context, model: Model, examples: Examples, *, passes: list[Pass]
) -> Model:
    """Make MODEL smaller or faster: its network goes through PASSES in order; EXAMPLES' training rows calibrate.

    \b
    Whether it paid is for `measure` to say.
    Example: aimass compress flights/mlp flights/prepare --passes quantize-int8
    """
    from aimass.models.assemble import assemble

    if not passes:
        raise InputError("compress: no passes", expected="at least one pass", todo="see them: aimass parts pass")
    _check_network(model)
    for name in KEPT:
        if (model.folder / name).exists():
            shutil.copyfile(model.folder / name, ctx.folder / name)
    for each in passes:
        _apply(ctx, each, model, examples)
    _append_passes(ctx, passes)
    assemble(ctx.folder)


def _check_network(model: Model) -> None:
    if not (model.folder / "network.onnx").is_file():
        raise InputError(
            f"the model {model.digest[:12]} has no network of its own",
            expected="a model as `train` makes it",
            todo="an ensemble: compress its members, and make it of those",
        )


def _apply(ctx: Context, each: Pass, model: Model, examples: Examples) -> None:
    """One pass over the network in CTX's folder.  Raises InputError with the reason when it does not apply."""
    name = each.settings()["use"]
    reason = each.applies(Model(ctx.folder, model.manifest))  # the model as it is after the passes before
    if reason:
        raise InputError(
            f"{name} does not apply: {reason}",
            expected="a network this pass can change",
            todo="leave the pass out for this model",
            key="passes",
        )
    ctx.log(name)
    network, out = ctx.folder / "network.onnx", ctx.folder / "network.next.onnx"
    each.apply(network, examples, out)
    out.replace(network)


def _append_passes(ctx: Context, passes: list[Pass]) -> None:
    path = ctx.folder / "model.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["passes"] = [*facts.get("passes", []), *(each.settings() for each in passes)]
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
