"""How two measured candidates differ on the rows both answered: every report keeps its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from aimass.core.errors import InputError
from aimass.measure.base import Metric

Paired = Callable[[str, str], Mapping[str, Any] | None]  # report digests -> figure of the first less the second


def unpaired(one: str, other: str) -> None:
    """For reports without answers."""
    return


def paired_by(folders: Mapping[str, Path], metric: Metric) -> Paired:
    """Differences of METRIC between the reports in FOLDERS, by digest, each computed once; None where two did not
    answer the same rows, or METRIC does not exist when some are left out."""
    from aimass.measure.answers import load_answers
    from aimass.measure.quality import difference

    @cache
    def answers(digest: str) -> Any:
        return load_answers(folders[digest])

    @cache
    def paired(one: str, other: str) -> Mapping[str, Any] | None:
        mine, theirs = answers(one), answers(other)
        if mine is None or theirs is None or not np.array_equal(mine[0], theirs[0]):
            return None
        try:
            return difference(metric, mine[0], mine[1], theirs[1], mine[2]).as_json()
        except InputError:
            return None

    return paired
