"""What suits the signature: one text in words, one image in regions, anything else column by column."""

from __future__ import annotations

from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.explain.attribute import Attributing, How
from aimass.explain.occlusion import Occlusion
from aimass.explain.shapley import Shapley
from aimass.explain.tokens import Tokens


class Auto(Attributing):
    """Words where texts are all there is, regions where images are, columns otherwise and pieces where asked."""

    pieces: bool = knob(False, help="tell words and regions apart beside other columns, too")

    def how(self, signature: Signature) -> How:
        pieces = [field.name for field in signature.rows if field.kind == "text" or field.dtype == "uint8"]
        kinds = {"image" if field.dtype == "uint8" else field.kind for field in signature.rows}
        if self.pieces and pieces and len(kinds) > 1:
            return How("pieces", pieces, precision=0.02)
        single: dict[frozenset[str], Attributing] = {frozenset(["image"]): Occlusion(), frozenset(["text"]): Tokens()}
        return single.get(frozenset(kinds), Shapley()).how(signature)
