"""The mean of all answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from aimass.ensemble.base import Fusion, Members

if TYPE_CHECKING:
    from aimass.ensemble.joint import Joint


class Mean(Fusion):
    """Every member counts alike."""

    def fuse(self, members: Members, joint: Joint) -> tuple[str, dict[str, Any]]:
        weights = dict.fromkeys(members.models, 1 / len(members.models))
        return weighted(joint, weights), {"weights": weights}


def weighted(joint: Joint, weights: Mapping[str, float]) -> str:
    """The sum of answers times WEIGHTS by member, in JOINT; a member that weighs nothing is not run."""
    parts = [
        joint.add("Mul", [joint.answer(name), joint.constant(np.array(weight, np.float32))])
        for name, weight in weights.items()
        if weight > 0
    ]
    return joint.add("Sum", parts)
