"""Columns: what each adds to the answer, in the mean over all orders in which they could become known."""

from __future__ import annotations

from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.engines.base import Predictor, Tensors
from aimass.explain.attribute import How, attribute
from aimass.explain.base import Budget, Explainer, Explanation


class Shapley(Explainer):
    """Shapley values of the raw columns: of all sets where they are few, else of random orders in pairs."""

    background: int = knob(64, 1, 10_000, log=True, help="rows of the background that stand in for hidden values")
    exact: int = knob(10, 0, 16, help="columns up to which all sets of them are asked about, budget allowing")
    precision: float = knob(0.01, 0.0, 1.0, help="share of the largest attribution at which errors are small enough")

    def explain(
        self,
        predict: Predictor,
        columns: Tensors,
        signature: Signature,
        background: Tensors,
        *,
        target: str = "",
        budget: Budget = Budget(),
        seed: int = 0,
    ) -> Explanation:
        how = How("shapley", (), self.background, self.exact, self.precision)
        return attribute(how, predict, columns, signature, background, target, budget, seed)
