"""What an endpoint asks of this stage: one function, plain values in, plain values out.

Knows records, columns and JSON values, never HTTP.  What is asked comes from outside: names only, never import paths.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from aimass.core.errors import InputError, inside, pick
from aimass.core.part import table_of
from aimass.core.settings import coerce
from aimass.core.signature import Signature
from aimass.engines.base import Predictor, Tensors
from aimass.explain.asked import check_columns
from aimass.explain.base import Budget, Explainer, Explanation
from aimass.explain.counterfactual import Wanted, counterfactual
from aimass.explain.game import taken
from aimass.explain.overlay import overlay
from aimass.explain.settings import Limits, Question, question_of
from aimass.prepare.rows import from_records


def explained(
    predict: Predictor,
    signature: Signature,
    background: Tensors,
    rows: Sequence[Mapping[str, Any]] | Tensors,
    asked: Mapping[str, Any],
    *,
    limits: Limits = Limits(),
) -> dict[str, Any]:
    """Explanations of ROWS (records, or columns by name [N, ...]) as JSON values; ASKED are the fields of `Question`.

    Raises InputError whose key names the field at fault: an unknown one, a wrong type, a class or a column the model
    does not know, more than LIMITS allow.
    """
    begun = time.perf_counter()
    question = question_of(asked, limits)
    explainer, wanted = _explainer(question.method), _wanted(question.counterfactual)
    columns = _columns(rows, signature, limits.rows)
    behind = _background(question.baseline, background, signature, limits.background)
    count = len(next(iter(columns.values())))
    parts = count * (1 if wanted is None else 2)  # explanations and counterfactuals share the budget alike
    end, each = begun + question.budget_ms / 1000, question.evaluations // parts
    answers = []
    for row in range(count):
        own, left = taken(columns, np.array([row])), parts - row * parts // count
        found = explainer.explain(
            predict, own, signature, behind, target=question.target, budget=_budget(end, left, each), seed=question.seed
        )
        answers.append(_told(found, own, question))
        if wanted is not None:
            budget = _budget(end, left - 1, each)
            with inside("counterfactual"):
                other = counterfactual(
                    predict, own, signature, behind, wanted=wanted, budget=budget, seed=question.seed
                )
            answers[-1]["counterfactual"] = other.as_json()
    return {"explanations": answers, "elapsed_ms": round(1000 * (time.perf_counter() - begun), 3)}


def _explainer(given: Any) -> Explainer:
    """The explainer GIVEN by name or table, out of those that are installed: a request never imports anything."""
    with inside("method"):
        table = coerce(dict, {"use": given} if isinstance(given, str) else given, "explain.method")
        if not isinstance(table.get("use"), str):
            raise InputError(f"explain.method: `use` is {table.get('use')!r}", expected="the name of an explainer")
        return _resolved(json.dumps(table))


@lru_cache(maxsize=64)
def _resolved(text: str) -> Explainer:
    """Looking through what is installed takes ten milliseconds: longer than many an explanation."""
    table = json.loads(text)
    pick("explainer", table["use"], table_of("explainer"))
    return Explainer.from_settings(table, "explain.method")


def _wanted(given: Any) -> Wanted | None:
    if given is None or given is False:
        return None
    with inside("counterfactual"):
        return Wanted.from_settings({} if given is True else given, "explain.counterfactual")


def _columns(rows: Sequence[Mapping[str, Any]] | Tensors, signature: Signature, most: int) -> Tensors:
    columns = rows if isinstance(rows, Mapping) else from_records(_few(list(rows), most, "rows"), signature.rows)
    check_columns(columns, signature.rows, "the request", least=1, most=most)
    return columns


def _background(records: list[Any] | None, background: Tensors, signature: Signature, most: int) -> Tensors:
    if records is None:
        return background
    with inside("baseline"):
        if not records:
            raise InputError("explain.baseline holds no records", expected="at least one record")
        return from_records(_few(records, most, "records of a baseline"), signature.rows)


def _few(records: list[Any], most: int, what: str) -> list[Any]:
    if not 0 < len(records) <= most:
        raise InputError(f"{len(records)} {what}", expected=f"1..{most}", todo="ask in several requests")
    return records


def _budget(end: float, left: int, evaluations: int) -> Budget:
    """The LEFT-th part of what remains until END."""
    return Budget(max(0.0, end - time.perf_counter()) / left, evaluations)


def _told(found: Explanation, own: Tensors, question: Question) -> dict[str, Any]:
    told = found.as_json(question.top_k, pixels=question.pixels)
    if question.overlay and found.regions:
        images = {name: overlay(own[name][0], found.pixels(name)) for name in found.regions}
        told["overlays"] = {name: base64.b64encode(png).decode() for name, png in images.items()}
    return told
