"""Train: examples become a model.  A lean loop one can read top to bottom; resumable from its last checkpoint."""

PARTS = {
    "gradient": ".gradient:Gradient",
    "boosting": ".boosting:Boosting",
    "estimator": ".estimator:Estimator",
}
