"""The member that is surest of a class speaks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from aimass.ensemble.base import CLASSES, Fusion, Members

if TYPE_CHECKING:
    from aimass.ensemble.joint import Joint


class Max(Fusion):
    """The largest probability that any member gives to a class, made to sum to 1."""

    tasks: ClassVar[tuple[str, ...]] = CLASSES

    def fuse(self, members: Members, joint: Joint) -> tuple[str, dict[str, Any]]:
        most = joint.add("Max", [joint.answer(name) for name in members.models])
        whole = joint.add("ReduceSum", [most, joint.constant(np.array([1], np.int64))], keepdims=1)
        return joint.add("Div", [most, whole]), {}
