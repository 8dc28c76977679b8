"""What stands around a network, whoever runs it: the graph in front and the head behind, by ONNX Runtime.

So there is one preprocessing and one head, those of model.onnx.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aimass.core.errors import InputError
from aimass.core.part import table_of
from aimass.core.signature import Signature
from aimass.engines.base import Predictor, Tensors
from aimass.engines.onnxruntime import predictor, session
from aimass.models.assemble import head_of
from aimass.models.base import Architecture

WHOLE = ("graph.onnx", "signature.json", "head.json")  # what `around` reads


def around(model: Path, scores: Callable[[Tensors], np.ndarray]) -> Predictor:
    """A predictor of MODEL whose network is SCORES: tensors of the signature [N, ...] -> float32 [N, width]."""
    signature = Signature.from_json(read(model, "signature.json"))
    graph = predictor(session(model / "graph.onnx"), [field.name for field in signature.inputs])
    head = predictor(session(head_of(signature, read(model, "head.json")).SerializeToString()))

    def predict(tensors: Tensors) -> Tensors:
        return head({"scores": scores(graph(tensors))})

    return predict


def built(model: Path, engine: str, recipe: str) -> tuple[Any, Signature]:
    """The untrained thing that MODEL's architecture builds, and its signature; fitted by RECIPE.

    Raises InputError for a model that ENGINE cannot run: another kind, a compressed one, one of a user's own code.
    """
    facts = read(model, "model.json")
    settings, signature = facts["architecture"], Signature.from_json(read(model, "signature.json"))
    if "ensemble" in facts:
        raise unfit(engine, "this model is an ensemble, whose members lie in the ONNX file alone")
    if facts["passes"]:
        names = ", ".join(each["use"] for each in facts["passes"])
        raise unfit(engine, f"this model went through {names}: its weights are those of the ONNX file alone")
    if settings["use"] not in table_of("architecture"):
        raise unfit(engine, f"{settings['use']} is code beside a project file, which no model carries")
    architecture = Architecture.from_settings(settings)
    if architecture.recipe != recipe:
        raise unfit(engine, f"{settings['use']} is fitted by the recipe {architecture.recipe}, not {recipe}")
    return architecture.build(signature), signature


def unfit(engine: str, why: str) -> InputError:
    return InputError(
        f"the engine {engine} cannot run this model: {why}",
        expected="a model whose parts it knows",
        todo="use the engine onnxruntime, which runs every model",
        key="engine",
    )


def read(model: Path, name: str) -> Any:
    """The JSON file NAME of MODEL.  Raises InputError when it is missing or damaged."""
    try:
        return json.loads(existing(model, name).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{model / name} is damaged: {error}", todo="make the artifact again") from error


def existing(model: Path, name: str) -> Path:
    """The path of MODEL's file NAME.  Raises InputError when it is missing."""
    if not (model / name).is_file():
        raise InputError(
            f"{model} has no {name}",
            expected=f"a model as `train` makes it, with {name}",
            todo="use the engine onnxruntime, or the model of the store instead of its release",
            key="engine",
        )
    return model / name
