"""What suits the signature: one text in words, one image in regions, anything else column by column."""

from __future__ import annotations

from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.engines.base import Predictor, Tensors
from aimass.explain.attribute import How, attribute
from aimass.explain.base import Budget, Explainer, Explanation
from aimass.explain.occlusion import Occlusion
from aimass.explain.shapley import Shapley
from aimass.explain.tokens import Tokens


class Auto(Explainer):
    """Words where texts are all there is, regions where images are, columns otherwise and pieces where asked."""

    pieces: bool = knob(False, help="tell words and regions apart beside other columns, too")

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
        pieces = [field.name for field in signature.rows if field.kind == "text" or field.dtype == "uint8"]
        kinds = {"image" if field.dtype == "uint8" else field.kind for field in signature.rows}
        if self.pieces and pieces and len(kinds) > 1:
            how = How("pieces", pieces, precision=0.02)
            return attribute(how, predict, columns, signature, background, target, budget, seed)
        single: dict[frozenset[str], Explainer] = {frozenset(["image"]): Occlusion(), frozenset(["text"]): Tokens()}
        chosen = single.get(frozenset(kinds), Shapley())
        return chosen.explain(predict, columns, signature, background, target=target, budget=budget, seed=seed)
