"""The verb `explain`: why a model answers as it does, row by row and as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aimass.core.artifact import Examples, Model, Report
from aimass.core.errors import InputError
from aimass.core.step import Context, step
from aimass.explain.base import Budget, Explainer
from aimass.measure.base import Metric, check_task, default_metric

if TYPE_CHECKING:
    import numpy as np

    from aimass.engines.base import Predictor, Tensors
    from aimass.explain.base import Explanation
    from aimass.explain.importance import Importance

BACKGROUND = 64  # held-back rows that stand in for hidden values where `prepare` kept none


@step
def explain(  # type: ignore[return]  # the folder is the answer
    ctx: Context,
    model: Model,
    examples: Examples,
    baseline: Model | None = None,
    *,
    explainer: Explainer | None = None,
    rows: int = 10,
    target: str = "",
    evaluations: int = 5000,
    metric: Metric | None = None,
    repeats: int = 5,
    threshold: float = 0.7,
) -> Report:
    """Say why MODEL answers as it does: the first held-back ROWS of EXAMPLES one by one, and what it relies on in all.

    \b
    explainer    how a row is explained; what suits the signature if none is given
    target       the class that is explained; the predicted one of each row if empty
    evaluations  rows the model is asked about, for each row that is explained
    metric       whose loss shows what columns are worth; the usual one of the task if none is given
    repeats      times that columns are mixed up between rows; 0 leaves the view of the whole out
    threshold    correlation from which columns are mixed up together
    With BASELINE (the model before it was compressed, say), also whether both have the same reasons.
    Example: aimass explain flights/mlp flights/prepare --rows 5
    """
    from aimass.engines.onnxruntime import OnnxRuntime
    from aimass.measure.quality import some_rows
    from aimass.prepare.background import load_background
    from aimass.prepare.tables import from_arrow

    for name, count in (("rows", rows), ("evaluations", evaluations), ("repeats", repeats)):
        if count < 0:
            raise InputError(f"explain.{name} must be at least 0, got {count}", expected="0 or more", key=name)
    signature = examples.signature
    scored = metric or Metric.from_settings(default_metric(signature.task))
    check_task(scored, signature.task)
    engine = OnnxRuntime.from_settings("onnxruntime")
    predict = engine.load(model.folder)
    background = load_background(examples.folder, signature.rows)
    if background is None:
        background = from_arrow(some_rows(examples.folder, BACKGROUND), signature.rows)
    how = _How(explainer or Explainer.from_settings("auto"), examples, background, target, evaluations, ctx)
    explanations = how.each(predict, rows)
    whole = _whole(ctx, predict, examples, scored, repeats, threshold) if repeats else []
    against = None
    if baseline is not None:
        against = _against(baseline, explanations, how.each(engine.load(baseline.folder), rows, explanations))
    told = [explanation.as_json() for explanation in explanations]
    for each in told:
        each.pop("elapsed_ms")  # a report of the same task is the same
    facts = {
        "model": model.digest,
        "examples": examples.digest,
        "explainer": how.explainer.settings(),
        "explanations": told,
        "metric": scored.settings(),
        "importance": [each.as_json() for each in whole],
        "against_baseline": against,
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    (ctx.folder / "explanation.json").write_text(text, encoding="utf-8")
    first = {"first": ", ".join(whole[0].columns)} if whole else {}
    ctx.tell(rows=len(told), **first)


class _How:
    """How each row is explained, whoever is asked."""

    def __init__(
        self, explainer: Explainer, examples: Examples, background: Tensors, target: str, evaluations: int, ctx: Context
    ) -> None:
        self.explainer, self.examples, self.background = explainer, examples, background
        self.target, self.budget, self.ctx = target, Budget(float("inf"), evaluations), ctx

    def each(self, predict: Predictor, rows: int, like: list[Explanation] | None = None) -> list[Explanation]:
        """Explanations of the first ROWS held-back rows; of the classes that LIKE explained, where it is given."""
        from aimass.explain.overlay import overlay

        found = []
        for row, own in enumerate(_first(self.examples, rows)):
            self.ctx.report(row)  # raises Stopped when asked to stop
            target = like[row].target if like and self.examples.signature.classes else self.target
            found.append(
                self.explainer.explain(
                    predict, own, self.examples.signature, self.background,
                    target=target, budget=self.budget, seed=self.ctx.seed,
                )
            )  # fmt: skip
            for place, name in enumerate(found[-1].regions if like is None else ()):
                path = self.ctx.folder / f"row-{row}-image-{place}.png"
                path.write_bytes(overlay(own[name][0], found[-1].pixels(name)))
        return found


def _first(examples: Examples, rows: int) -> list[dict[str, np.ndarray]]:
    """The first ROWS held-back rows, each as columns [1, ...]."""
    from aimass.measure.quality import held_back
    from aimass.prepare.tables import from_arrow

    found: list[dict[str, Any]] = []
    for table in held_back(examples.folder):
        part = table.slice(0, rows - len(found))
        columns = from_arrow(part, examples.signature.rows)
        found += [{name: v[at : at + 1] for name, v in columns.items()} for at in range(part.num_rows)]
        if len(found) >= rows:
            break
    return found


def _whole(
    ctx: Context, predict: Predictor, examples: Examples, metric: Metric, repeats: int, threshold: float
) -> list[Importance]:
    """What every cluster of columns is worth on the held-back rows."""
    from aimass.explain.importance import ROWS, importance
    from aimass.measure.quality import some_rows, truth_of
    from aimass.prepare.tables import from_arrow

    signature = examples.signature
    table = some_rows(examples.folder, ROWS)
    found = importance(
        predict, from_arrow(table, signature.rows), truth_of(table[signature.target], signature), signature, metric,
        repeats=repeats, threshold=threshold, seed=ctx.seed,
    )  # fmt: skip
    name = metric.settings()["use"]
    for each in found[:5]:
        ctx.log(f"without {', '.join(each.columns)}: {name} loses {each.loss.value:.4f}")
    return found


def _against(baseline: Model, mine: list[Explanation], theirs: list[Explanation]) -> dict[str, Any]:
    """Did what was done to the model change its reasons?"""
    import numpy as np

    from aimass.explain.quality import likeness

    rows = [likeness(one, other) for one, other in zip(mine, theirs, strict=True)]
    known = [value for value in rows if value is not None]
    return {
        "model": baseline.digest,
        "rank_correlation": {"rows": rows, "median": float(np.median(known)) if known else None},
    }
