"""Is the flights model at least as good as scikit-learn's HistGradientBoosting on the same rows and features?

Both see the rows of one `prepare` artifact: the training rows (and, in the second row of each, the validation rows
too) and are judged on the same held-back rows, by scikit-learn's own roc_auc_score.  The difference of the two on these
rows has DeLong's paired interval.

    python benchmarks/flights_auc.py                  # needs: pip install -r benchmarks/requirements.txt
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

import aimass
from aimass.core.part import resolve
from aimass.prepare.cache import read_split
from aimass.prepare.rows import from_arrow
from record import median_and_interval, significant, write

PROJECT = Path(__file__).parents[1] / "examples" / "flights" / "aimass.toml"
SEEDS = range(5)


def matrix(examples: Path, *splits: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and category indices side by side, float32 [N, D], and the answers."""
    parts = [read_split(examples, split) for split in splits]  # type: ignore[arg-type]
    rows = [np.hstack([p["x.numbers"], p["x.categories"].astype(np.float32)]) for p in parts]
    return np.concatenate(rows), np.concatenate([p["target"] for p in parts])


def sklearn(examples: Any, splits: tuple[str, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(truth, probabilities) of HistGradientBoosting as it comes, categories declared as such where it can take them
    (255 values at most)."""
    (x, y), (tx, ty) = matrix(examples.folder, *splits), matrix(examples.folder, "test")
    numbers, categories = examples.signature.inputs
    declared = [numbers.shape[0] + i for i, size in enumerate(categories.sizes) if size <= 255]
    fitted = HistGradientBoostingClassifier(categorical_features=declared, random_state=seed).fit(x, y)
    return ty, fitted.predict_proba(tx)[:, 1]


def ours(examples: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(truth, probabilities) of `aimass train --model xgboost`, answered by the served file."""
    model = aimass.train(examples, model="xgboost", seed=seed)
    predict = resolve("engine", "onnxruntime")().load(model.folder)  # type: ignore[attr-defined]
    rows = pq.read_table(examples.folder / "test.parquet")
    truth = np.array(rows[examples.signature.target].to_pylist())
    answers = [predict(from_arrow(rows.slice(i, 4096), examples.signature.rows))["probabilities"][:, 1]
               for i in range(0, rows.num_rows, 4096)]  # fmt: skip
    return truth, np.concatenate(answers)


def delong(truth: np.ndarray, one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """AUC of ONE less that of OTHER on the same rows, with a 95 % interval (DeLong, DeLong & Clarke-Pearson 1988).

    A row's placement is the share of the other class that it is on the right side of; the differences of the two
    models' placements, averaged within each class, are independent.
    """
    parts = [placements(truth, one)[k] - placements(truth, other)[k] for k in (0, 1)]
    value = float(parts[1].mean())
    half = 1.96 * float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts)))
    return {"value": significant(value), "low": significant(value - half), "high": significant(value + half)}


def placements(truth: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each negative row and of each positive one; ties count half."""
    no, yes = score[truth == 0], score[truth == 1]

    def below(x: np.ndarray, those: np.ndarray) -> np.ndarray:
        those = np.sort(those)
        return (np.searchsorted(those, x, "left") + np.searchsorted(those, x, "right")) / (2 * len(those))

    return 1 - below(no, yes), below(yes, no)


def main() -> None:
    scores: dict[str, list[float]] = {"aimass xgboost": [], "HistGradientBoosting, training rows": [],
                                      "HistGradientBoosting, training and validation rows": []}  # fmt: skip
    gaps = []
    with tempfile.TemporaryDirectory() as folder, aimass.Workspace(folder) as place:
        aimass.run_project(aimass.load_project(PROJECT), place, until="prepare")
        examples = place.get("flights/prepare", "examples")
        for seed in SEEDS:
            found = [ours(examples, seed), *(sklearn(examples, s, seed) for s in (("train",), ("train", "valid")))]
            for values, (truth, answer) in zip(scores.values(), found, strict=True):
                values.append(float(roc_auc_score(truth, answer)))
            (truth, mine), _, (again, theirs) = found
            assert np.array_equal(truth, again), "not the same rows in the same order"
            gaps.append(delong(truth, mine, theirs))
            print({name: round(values[-1], 4) for name, values in scores.items()}, gaps[-1], flush=True)
    figures: dict[str, Any] = {name: median_and_interval(v) for name, v in scores.items()}
    figures["aimass less HistGradientBoosting, training and validation rows, paired, by seed"] = gaps
    write("flights-auc", "ROC-AUC on flights against HistGradientBoosting, same split and features", figures,
          ["scikit-learn", "xgboost-cpu"], "five seeds each; the split by time is the same for all")  # fmt: skip


if __name__ == "__main__":
    main()
