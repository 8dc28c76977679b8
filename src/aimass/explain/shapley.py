"""Columns: what each adds to the answer, in the mean over all orders in which they could become known."""

from __future__ import annotations

from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.explain.attribute import Attributing, How


class Shapley(Attributing):
    """Shapley values of the raw columns: of all sets where they are few, else of random orders in pairs."""

    background: int = knob(64, 1, 10_000, log=True, help="rows of the background that stand in for hidden values")
    exact: int = knob(10, 0, 16, help="columns up to which all sets of them are asked about, budget allowing")
    precision: float = knob(0.01, 0.0, 1.0, help="share of the largest attribution at which errors are small enough")

    def how(self, signature: Signature) -> How:
        return How("shapley", (), self.background, self.exact, self.precision)
