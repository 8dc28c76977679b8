"""LightGBM's text models, by a converter of our own: thresholds stay 64-bit, as LightGBM compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from aimass.core.errors import InputError
from aimass.engines.base import Tensors
from aimass.imports.base import Importer, Original
from aimass.imports.drawing import around
from aimass.imports.lightgbm_trees import Ensemble, X, network_of, parsed

CLASSES = {"binary": "binary", "multiclass": "multiclass"}


class LightGBM(Importer):
    """Boosted trees that LightGBM saved as text, with all rounds that are in the file."""

    def read(self, model: Any, rows: Any = None) -> Original:
        """MODEL: a Path.  Raises InputError for linear trees, zeros as missing values, and unknown objectives."""
        booster = _loaded(model)
        ensemble = parsed(booster.model_to_string(num_iteration=-1))
        task = CLASSES.get(ensemble.objective, "regression")
        classes = tuple(str(i) for i in range(max(2, ensemble.classes))) if task != "regression" else ()
        names = tuple(booster.feature_name())
        given = names != tuple(f"Column_{i}" for i in range(len(names)))

        def answer(tensors: Tensors) -> Tensors:
            found = np.asarray(booster.predict(np.asarray(tensors[X], np.float64), num_threads=1, num_iteration=-1))
            return {"probabilities" if classes else "value": _both(found) if len(classes) == 2 else found}

        network = network_of(ensemble)
        output = network.graph.output[0].name
        return Original(
            network, answer, f"LightGBM {lgb.__version__}", task=task, classes=classes,
            columns=names if given else (), answers={"scores" if classes else "value": output},
            draw=lambda count, random: {X: _rows(ensemble, count, random)},
        )  # fmt: skip


def _both(second: np.ndarray) -> np.ndarray:
    return np.stack([1 - second, second], axis=1)


def _rows(ensemble: Ensemble, count: int, random: np.random.Generator) -> np.ndarray:
    rows = around(ensemble.thresholds(), count, random, np.float64)
    for feature, values in ensemble.categories().items():
        known = random.choice([*values, max(values) + 1], count).astype(np.float64)
        rows[:, feature] = np.where(np.isnan(rows[:, feature]), np.nan, known)
    return rows


def _loaded(path: Path) -> lgb.Booster:
    try:
        text = path.read_text(encoding="utf-8")
        if not text.startswith("tree\n"):
            raise InputError(f"{path.name} is no LightGBM model: it begins with {text[:20]!r}", expected="a text that "
                             "begins with 'tree'", todo="save it again: booster.save_model('model.txt')",
                             key="path")  # fmt: skip
        return lgb.Booster(model_str=text)
    except (lgb.basic.LightGBMError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"LightGBM cannot read {path.name}: {str(error).strip().splitlines()[0][:200]}",
                         expected="what save_model writes", todo="save it again: booster.save_model('model.txt')",
                         key="path") from error  # fmt: skip
