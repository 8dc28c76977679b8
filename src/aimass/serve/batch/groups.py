"""The requests of a call by their form: what becomes tensors together, and what cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aimass.engines.base import Tensors
from aimass.serve.batch.base import Ask, Form

Groups = list[tuple[Form, Sequence[Ask]]]


def asked(groups: Groups) -> Sequence[Ask]:
    """All of GROUPS, in the order of their rows."""
    return groups[0][1] if len(groups) == 1 else [ask for _, mine in groups for ask in mine]


def grouped(asks: Sequence[Ask]) -> Groups:
    """ASKS by their form; those of one form in their order."""
    first = asks[0].form
    if all(ask.form is first for ask in asks):
        return [(first, asks)]
    groups: dict[Form, list[Ask]] = {}
    for ask in asks:
        groups.setdefault(ask.form, []).append(ask)
    return list(groups.items())


def joined(groups: Groups) -> Tensors:
    """The rows of all of GROUPS."""
    found = [form.join([ask.part for ask in asks]) for form, asks in groups]
    if len(found) == 1:
        return found[0]
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def readable(groups: Groups) -> tuple[Groups, list[tuple[Ask, Exception]]]:
    """GROUPS without those that cannot be read; and these, with what is wrong."""
    left, refused = list[Ask](), list[tuple[Ask, Exception]]()
    for form, asks in groups:
        for ask in asks:
            try:
                form.join([ask.part])
            except Exception as error:
                refused.append((ask, error))
            else:
                left.append(ask)
    return grouped(left) if left else [], refused


def check_rows(outputs: Tensors, rows: int) -> None:
    """Raises ValueError when a model gives more or fewer rows than it got: whose they are nobody knows."""
    for name, array in outputs.items():
        if array.shape[:1] != (rows,):
            raise ValueError(f"output {name!r} has shape {array.shape} for {rows} rows")
