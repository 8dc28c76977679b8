"""What may be asked beside the rows of a question, and what a question may cost.

Knows words and their ranges, never models: whoever passes a question on can read it without what answers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aimass.core.errors import InputError
from aimass.core.part import Settings, knob


@dataclass(frozen=True)
class Limits:
    """What one question may cost, whatever it asks for."""

    rows: int = 64
    background: int = 1000
    budget_ms: float = 60_000.0
    evaluations: int = 1_000_000


class Question(Settings):
    """What may be asked beside the rows."""

    method: Any = knob("auto", help="an explainer by name, or a table with `use` and its settings")
    target: str = knob("", help="the class that is explained; empty: the predicted one")
    baseline: list[Any] | None = knob(None, help="records that stand in for hidden values; left out: the model's own")
    top_k: int | None = knob(None, 1, help="so many columns; the rest is summed as `others`")
    budget_ms: float = knob(100.0, 0.0, help="milliseconds for all rows together; a call that was begun is finished")
    evaluations: int = knob(20_000, 0, help="rows the model is asked about at most, for all rows together")
    seed: int = knob(0, 0, help="the same seed gives the same answer, unless the clock ends it")
    pixels: bool = knob(False, help="attributions of images pixel by pixel, too")
    overlay: bool = knob(False, help="images with their attributions over them: PNG in base64")
    counterfactual: Any = knob(None, help="true, or a table: target, low, high, immutable, changes")


def question_of(asked: Mapping[str, Any], limits: Limits) -> Question:
    """What is ASKED.  Raises InputError whose key names the field at fault, or what is more than LIMITS allow."""
    question = Question.from_settings(dict(asked), "explain")
    for name in ("budget_ms", "evaluations"):
        given, most = getattr(question, name), getattr(limits, name)
        if not given <= most:
            raise InputError(f"explain.{name} is {given:g}", expected=f"at most {most:g}", key=name)
    return question
