"""A mean whose weights are found on validation rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aimass.ensemble.base import Fusion, Members
from aimass.ensemble.mean import weighted

if TYPE_CHECKING:
    from aimass.ensemble.joint import Joint

ROUNDS = 10_000
LEAST = 1e-3  # weights below are none: their members need not run
STILL = 1e-9


class Weighted(Fusion):
    """Weights from 0 that sum to 1, of the least log loss (of a value: squared error) on validation rows."""

    def fuse(self, members: Members, joint: Joint) -> tuple[str, dict[str, Any]]:
        truth, answers = members.answered
        columns = np.stack(list(answers.values()), axis=-1).astype(np.float64)
        if members.signature.classes:
            found = mixture(columns[np.arange(len(truth)), truth])
        else:
            found = least_squares(columns - truth[:, None])
        found = np.where(found < LEAST, 0, found)
        weights = dict(zip(answers, (found / found.sum()).tolist(), strict=True))
        return weighted(joint, weights), {"weights": weights}


def mixture(chance_NM: np.ndarray) -> np.ndarray:
    """Weights [M] of the greatest mean log of CHANCE [N, M] @ weights: the chance each member gave to the truth.

    Expectation maximisation (Dempster, Laird & Rubin 1977): the loss is convex and never rises.
    """
    chance = np.maximum(chance_NM, np.finfo(np.float32).eps)
    weights = np.full(chance.shape[1], 1 / chance.shape[1])
    for _ in range(ROUNDS):
        before, weights = weights, weights * (chance / (chance @ weights)[:, None]).mean(axis=0)
        if np.abs(weights - before).max() < STILL:
            break
    return weights


def least_squares(error_NM: np.ndarray) -> np.ndarray:
    """Weights [M] of the least squared sum of ERROR [N, M] @ weights; exact steps along pairs of members."""
    products, count = error_NM.T @ error_NM, error_NM.shape[1]
    weights = np.full(count, 1 / count)
    for _ in range(ROUNDS):
        before = weights.copy()
        for i in range(count):
            for j in range(i):
                curve = products[i, i] + products[j, j] - 2 * products[i, j]
                slope = products[i] @ weights - products[j] @ weights
                move = np.clip(-slope / curve, -weights[i], weights[j]) if curve > 0 else 0.0
                weights[i], weights[j] = weights[i] + move, weights[j] - move
        if np.abs(weights - before).max() < STILL:
            break
    return weights
