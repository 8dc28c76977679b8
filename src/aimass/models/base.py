"""The contract of an architecture.

Torch architectures build a module `forward(*tensors) -> scores`, tensors in the order of `signature.inputs`,
scores [N, signature.width]: logits for classes (one column for binary), the standardised value for regression.
"""

from __future__ import annotations

from typing import Any, ClassVar

from aimass.core.part import Part
from aimass.core.signature import Signature


class Architecture(Part):
    """What a network is; `recipe` names how it is fitted."""

    family: ClassVar[str] = "architecture"
    recipe: ClassVar[str] = "gradient"  # "gradient" | "boosting" | "estimator"

    def build(self, signature: Signature) -> Any:
        """The untrained thing: a torch module, booster parameters, or an estimator.

        Raises InputError when the signature has no input this architecture can use.
        """
        raise NotImplementedError

    @classmethod
    def adopt(cls, name: str, guest: Any) -> type[Part]:
        """A part around a user's torch module class or scikit-learn-style class."""
        from aimass.models.guest import adopt

        part: type[Part] = adopt(name, guest)
        return part
