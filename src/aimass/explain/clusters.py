"""Columns that say the same: what one of them tells, another one would tell if it were missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.explain.game import spread, taken
from aimass.explain.nearness import missing
from aimass.explain.quality import ranked

COMPARED = 2000  # rows that correlations are computed from


def clusters(columns: Tensors, fields: Sequence[Field], threshold: float) -> list[list[str]]:
    """Names of the columns, those together that hang together by correlations of at least THRESHOLD.

    Numbers and dates by Spearman's correlation, categories by Cramer's V, one with the other by the correlation ratio
    of the ranks; the last two corrected for chance (Bergsma 2013).  Texts and images stand alone.
    """
    names = [field.name for field in fields]
    some = taken({name: columns[name] for name in names}, spread(len(columns[names[0]]), COMPARED))
    alone = {field.name for field in fields if field.kind == "text" or field.dtype == "uint8"}
    group = {name: at for at, name in enumerate(names)}
    words = {field.name for field in fields if field.dtype == "string"} - alone
    numbers = [name for name in names if name not in alone and name not in words]
    rank = {name: ranked(some[name]) for name in numbers}
    code = {name: np.unique(some[name].astype(str), return_inverse=True)[1] for name in words}
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            if group[one] == group[other] or one in alone or other in alone:
                continue
            if one in rank and other in rank:
                known = ~missing(some[one]) & ~missing(some[other])
                strength = _spearman(rank[one][known], rank[other][known])
            elif one in code and other in code:
                strength = _cramer(code[one], code[other])
            else:
                word, number = (one, other) if one in code else (other, one)
                known = ~missing(some[number])
                strength = _ratio(code[word][known], rank[number][known])
            if strength >= threshold:
                mine, theirs = sorted((group[one], group[other]))
                group = {name: mine if g == theirs else g for name, g in group.items()}
    return [[name for name in names if group[name] == g] for g in dict.fromkeys(group.values())]


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(abs(np.corrcoef(one, other)[0, 1]))


def _cramer(one: np.ndarray, other: np.ndarray) -> float:
    rows, columns, count = one.max() + 1, other.max() + 1, len(one)
    if min(rows, columns) < 2 or count < 3:
        return 0.0
    table = np.bincount(one * columns + other, minlength=rows * columns).reshape(rows, columns)
    expected = table.sum(axis=1)[:, None] * table.sum(axis=0)[None] / count
    phi = (np.square(table - expected) / expected).sum() / count
    freedom = (rows - 1) * (columns - 1) / (count - 1)
    fewer = min(rows - (rows - 1) ** 2 / (count - 1), columns - (columns - 1) ** 2 / (count - 1))
    return float(np.sqrt(max(0.0, phi - freedom) / (fewer - 1))) if fewer > 1 else 0.0


def _ratio(groups: np.ndarray, ranks: np.ndarray) -> float:
    """Square root of the share of the variance of RANKS that GROUPS explain."""
    count, kinds = len(ranks), len(np.unique(groups))
    if count <= kinds or kinds < 2 or np.ptp(ranks) == 0:
        return 0.0
    sums, sizes = np.bincount(groups, ranks), np.bincount(groups)
    within = np.square(ranks - (sums / np.maximum(1, sizes))[groups]).sum() / np.square(ranks - ranks.mean()).sum()
    return float(np.sqrt(max(0.0, 1 - within * (count - 1) / (count - kinds))))
