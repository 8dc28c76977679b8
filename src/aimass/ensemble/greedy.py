"""Greedy selection with replacement (Caruana et al. 2004): the best member, then whoever helps it surely."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from aimass.core.part import knob
from aimass.ensemble.base import Fusion, Members
from aimass.ensemble.mean import weighted
from aimass.ensemble.scored import Scored
from aimass.measure.base import Metric

if TYPE_CHECKING:
    from aimass.ensemble.joint import Joint


class Greedy(Fusion):
    """Begins with the best member; one more enters, or again, while the interval of its gain excludes 0."""

    metric: Metric | None = knob(None, help="what is to gain, on validation rows; the usual one of the task if none")
    rounds: int = knob(20, 1, 200, help="members that may enter, one counted as often as it does")

    def fuse(self, members: Members, joint: Joint) -> tuple[str, dict[str, Any]]:
        scored = Scored.of(members, self.metric)
        chosen, gains = select(scored, members.answered[1], self.rounds)
        weights = {name: count / len(chosen) for name, count in Counter(chosen).items()}
        return weighted(joint, weights), {"entered": chosen, "gains": gains, "weights": weights}


def select(scored: Scored, answers: dict[str, np.ndarray], rounds: int) -> tuple[list[str], list[dict[str, Any]]]:
    """(members in the order they enter, the gain of each after the first with its interval).

    The interval is of the one that gained most, and knows nothing of those it was chosen among.
    """
    chosen = [max(answers, key=lambda name: scored.gain(answers[name]))]
    whole, gains = answers[chosen[0]], []
    for entered in range(1, rounds):
        tried = {name: (whole * entered + answer) / (entered + 1) for name, answer in answers.items()}
        best = max(tried, key=lambda name: scored.gain(tried[name]))
        gain = scored.difference(tried[best], whole)
        if gain.low is None or gain.low <= 0:
            break
        chosen.append(best)
        gains.append({"member": best, **gain.as_json()})
        whole = tried[best]
    return chosen, gains
