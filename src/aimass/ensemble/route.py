"""A router: what stands in a raw column says which member answers a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aimass.core.errors import InputError, unknown
from aimass.core.part import knob
from aimass.ensemble.base import Fusion, Members

if TYPE_CHECKING:
    from aimass.ensemble.joint import Joint


class Route(Fusion):
    """Rows go to members by the text of a column; each member is run for its rows alone."""

    column: str = knob("", help="a raw column of texts: its name")
    values: dict[str, str] | None = knob(None, help="a text of the column, and the member that answers there")
    otherwise: str = knob("", help="the member that answers all other rows, missing texts among them")

    def fuse(self, members: Members, joint: Joint) -> tuple[str, dict[str, Any]]:
        self._check(members)
        values, elsewhere = self.values or {}, joint.constant(np.array(True))
        answer = self._nothing(members, joint)
        for member in sorted({*values.values()} - {self.otherwise}):
            here = self._rows(joint, [text for text, name in values.items() if name == member])
            answer = joint.instead(answer, member, here)
            elsewhere = joint.add("And", [elsewhere, joint.add("Not", [here])])
        return joint.instead(answer, self.otherwise, elsewhere), {}

    def _rows(self, joint: Joint, texts: list[str]) -> str:
        """A mask [N]: the rows whose text is one of TEXTS."""
        same = [joint.add("Equal", [self.column, joint.constant(np.array(text, object))]) for text in texts]
        whole = same[0]
        for each in same[1:]:
            whole = joint.add("Or", [whole, each])
        return whole

    def _nothing(self, members: Members, joint: Joint) -> str:
        """Zeros in the shape of an answer, [N, K] or [N]: every row is answered by some member after them."""
        count = joint.add("Shape", [self.column])
        classes = joint.constant(np.array([len(members.signature.classes)], np.int64))
        shape = joint.add("Concat", [count, classes], axis=0) if members.signature.classes else count
        return joint.add("Expand", [joint.constant(np.array(0, np.float32)), shape])

    def _check(self, members: Members) -> None:
        texts = [field.name for field in members.signature.rows if field.dtype == "string" and not field.shape]
        if self.column not in texts:
            raise unknown("column of texts", self.column, texts, key="how.column")
        named = set((self.values or {}).values())
        members.check(*sorted(named), key="how.values")
        members.check(self.otherwise, key="how.otherwise")
        idle = sorted(set(members.models) - named - {self.otherwise})
        if idle or not named - {self.otherwise}:
            raise InputError(
                f"no row is ever sent to {', '.join(idle)}" if idle else f"every row is sent to {self.otherwise}",
                expected="a text for each member but one, which answers otherwise",
                todo='values = { eu = "a", us = "b" }, otherwise = "a"',
                key="how.values",
            )
