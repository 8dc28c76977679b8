"""Texts: words are taken out and put back; what each adds to the answer has its place in the raw text."""

from __future__ import annotations

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.explain.attribute import Attributing, How


class Tokens(Attributing):
    """Shapley values of the words of texts; long texts in groups of words first, the weightiest ones word by word."""

    words: int = knob(24, 1, 256, help="words up to which each is told apart at once")
    precision: float = knob(0.02, 0.0, 1.0, help="share of the largest attribution at which errors are small enough")
    background: int = knob(16, 1, 10_000, log=True, help="rows of the background that stand in for other columns")

    def how(self, signature: Signature) -> How:
        texts = [field.name for field in signature.rows if field.kind == "text"]
        if not texts:
            raise InputError(
                "tokens explains texts, and the model takes none",
                expected="a text among the columns",
                todo='use method "auto" or "shapley"',
                key="method",
            )
        return How("tokens", texts, self.background, 10, self.precision, words=self.words)
