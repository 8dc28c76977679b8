"""The verb `train`: examples become a model."""

from __future__ import annotations

import json
import shutil
from typing import cast

from aimass.core.artifact import Examples, Model
from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.core.step import Context, step
from aimass.models.base import Architecture
from aimass.train.base import Recipe

TAKEN = ("graph.onnx", "signature.json", "head.json", "sample.json")
ALSO = ("background.npz",)  # where `prepare` left one


@step
def train(  # type: ignore[return]  # the folder is the answer
    ctx: Context, examples: Examples, start: Model | None = None, *, model: Architecture, recipe: Recipe | None = None
) -> Model:
    """Fit MODEL to the training rows of EXAMPLES; the validation rows say when to stop.

    \b
    RECIPE is the architecture's own with its defaults, unless one is given.  START is a model whose weights it begins
    with (fine-tuning).
    Example: aimass train flights/prepare --model mlp --recipe gradient
    """
    from aimass.models.assemble import assemble

    chosen = recipe or default_recipe(model)
    _check_recipe(chosen, model)
    if start and chosen.fits != "gradient":
        raise InputError(f"{chosen.fits} cannot begin with a model", expected="a torch architecture", key="start")
    for name in (*TAKEN, *(name for name in ALSO if (examples.folder / name).exists())):
        shutil.copyfile(examples.folder / name, ctx.folder / name)
    facts = chosen.fit(ctx, model, examples, ctx.folder, start)
    description = {"architecture": model.settings(), "recipe": chosen.settings(), "passes": [], "trained": facts}
    (ctx.folder / "model.json").write_text(json.dumps(description, indent=1, ensure_ascii=False), encoding="utf-8")
    assemble(ctx.folder)
    told = {name: fact for name, fact in facts.items() if name != "plan"}
    ctx.tell(task=examples.signature.task, bytes=(ctx.folder / "model.onnx").stat().st_size, **told)


def default_recipe(model: Architecture) -> Recipe:
    """The recipe that MODEL names, with its defaults."""
    return cast(Recipe, resolve("recipe", model.recipe)())


def _check_recipe(recipe: Recipe, model: Architecture) -> None:
    if recipe.fits != model.recipe:
        name, use = recipe.settings()["use"], model.settings()["use"]
        raise InputError(
            f"the recipe {name} cannot fit {use}",
            expected=f'a recipe for "{model.recipe}" architectures',
            todo=f'leave the recipe out, or use recipe = "{model.recipe}"',
            key="recipe",
        )
