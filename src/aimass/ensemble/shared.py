"""What models must have in common to become one: the task, its classes, and the types of the raw columns they take."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from aimass.core.artifact import Examples, Model
from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def shared(models: Mapping[str, Model], examples: Examples) -> Signature:
    """The signature of MODELS as one: the columns of EXAMPLES that any of them takes, the answers all give.

    Raises InputError for fewer than two models, and naming the first that differs from EXAMPLES.
    """
    _check_names(models)
    asked = examples.signature
    for name, model in models.items():
        _check_answers(name, model.signature, asked)
        _check_columns(name, model.signature, asked)
    taken = {field.name for model in models.values() for field in model.signature.rows}
    rows = tuple(field for field in asked.rows if field.name in taken)
    return replace(asked, rows=rows, inputs=rows)


def _check_names(models: Mapping[str, Model]) -> None:
    strange = next((name for name in models if not NAME.fullmatch(name)), None)
    if strange is not None:
        raise InputError(
            f"{strange!r} cannot be the name of a member",
            expected="letters, digits, _ . -, at most 64",
            todo="name it otherwise: --models NAME=MODEL",
            key="models",
        )
    if len({model.digest for model in models.values()}) < 2:
        raise InputError(
            f"an ensemble of one model: {', '.join(models) or 'none is given'}",
            expected="two different models or more",
            todo="train another architecture, or the same one with another --seed",
            key="models",
        )


def _check_answers(name: str, has: Signature, asked: Signature) -> None:
    if has.task != asked.task or asked.task == "other":
        raise _differs(name, f"a {has.task} model", f"a {asked.task} task of classes or of a number")
    if has.classes != asked.classes:
        raise _differs(
            name, f"a model of {_listed(has.classes)}", f"the classes {_listed(asked.classes)} in this order"
        )
    needed = "probabilities" if asked.classes else "value"
    if needed not in {field.name for field in has.outputs}:
        raise _differs(name, f"a model that gives no {needed}", f"a model that answers with {needed}")


def _check_columns(name: str, has: Signature, asked: Signature) -> None:
    known = {field.name: field for field in asked.rows}
    for field in has.rows:
        if field.name not in known:
            raise _differs(
                name, f"a model that takes {field.name!r}", f"columns of the examples: {_listed(tuple(known))}"
            )
        if _form(field) != _form(known[field.name]):
            takes, given = _said(field), _said(known[field.name])
            raise _differs(name, f"a model whose {field.name!r} is {takes}", f"{given}, as in the examples")


def _form(field: Field) -> tuple[object, ...]:
    """What an array of FIELD means; the kinds it may be prepared as do not matter."""
    return field.dtype, field.shape, field.unit


def _said(field: Field) -> str:
    return " ".join(str(part) for part in (field.dtype, list(field.shape) or "", field.unit) if part)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def _differs(name: str, what: str, expected: str) -> InputError:
    return InputError(
        f"the member {name} is {what}",
        expected=expected,
        todo="leave it out, or prepare and train it on the same data",
        key="models",
    )


def carry(signature: Signature, examples: Examples, folder: Path) -> None:
    """signature.json, and out of EXAMPLES the sample.json and background.npz of these columns, into FOLDER."""
    from aimass.prepare.background import load_background, save_background

    names = [field.name for field in signature.rows]
    write(folder / "signature.json", signature.as_json())
    write(folder / "sample.json", [{n: record[n] for n in names} for record in examples.read_json("sample.json")])
    background = load_background(examples.folder, examples.signature.rows)
    if background is not None:
        save_background(folder, background, signature.rows)


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
