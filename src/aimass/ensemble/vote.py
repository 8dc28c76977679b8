"""The class that most members call most probable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from aimass.ensemble.base import CLASSES, Fusion, Members

if TYPE_CHECKING:
    from aimass.ensemble.joint import Joint

SAY = 1e-3  # of a vote: the mean probability breaks ties, and nothing else


class Vote(Fusion):
    """Each member has one vote; the probability of a class is its share, and ties go by the mean probability."""

    tasks: ClassVar[tuple[str, ...]] = CLASSES

    def fuse(self, members: Members, joint: Joint) -> tuple[str, dict[str, Any]]:
        answers = [joint.answer(name) for name in members.models]
        depth = joint.constant(np.array(len(members.signature.classes), np.int64))
        ends = joint.constant(np.array([0, 1], np.float32))
        votes = [
            joint.add("OneHot", [joint.add("ArgMax", [answer], axis=1, keepdims=0), depth, ends], axis=-1)
            for answer in answers
        ]
        share, mean = joint.add("Mean", votes), joint.add("Mean", answers)
        say = joint.add("Mul", [mean, joint.constant(np.array(SAY / len(answers), np.float32))])
        whole = joint.constant(np.array(1 + SAY / len(answers), np.float32))
        return joint.add("Div", [joint.add("Add", [share, say]), whole]), {}
