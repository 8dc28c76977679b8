"""XGBoost's own kernels for boosted trees: the graph and the head stay ONNX, the trees run natively."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xgboost as xgb

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.engines.around import WHOLE, around, built, read
from aimass.engines.base import Engine, Predictor, Tensors
from aimass.models.xgboost import Boosted


class XGBoostNative(Engine):
    """Runs boosted trees with XGBoost itself; pays for large batches of many trees."""

    threads: int = knob(1, 1, 256, help="threads inside one call")

    def files(self) -> tuple[str, ...]:
        return (*WHOLE, "model.json", "trees.json")

    def load(self, model: Path) -> Predictor:
        """A predictor of MODEL/trees.json between its graph and its head.

        Raises InputError for a model that is no boosted trees, or a damaged file.
        """
        made, signature = built(model, "xgboost", "boosting")
        boosted: Boosted = made
        booster = booster_of(model / "trees.json")
        booster.set_param({"nthread": self.threads})

        def scores(tensors: Tensors) -> np.ndarray:
            features = boosted.features(tensors)
            if not len(features):
                return np.empty((0, signature.width), np.float32)
            margins: np.ndarray = booster.inplace_predict(features, predict_type="margin")
            return margins.reshape(-1, signature.width)

        return around(model, scores)


def booster_of(path: Path) -> xgb.Booster:
    """The booster in the JSON file PATH.  Raises InputError when it is damaged."""
    learner = read(path.parent, path.name)  # XGBoost ends the process at what is no JSON
    booster = xgb.Booster()
    try:
        if "learner" not in learner:
            raise ValueError("no learner")
        booster.load_model(bytearray(path.read_bytes()))
    except (xgb.core.XGBoostError, ValueError, TypeError) as error:
        raise InputError(f"{path} is damaged", expected="XGBoost's JSON", todo="train the model again") from error
    return booster
