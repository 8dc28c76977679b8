"""Measure: a model and examples become a report.  The only place figures come from."""

PARTS = {
    "roc_auc": ".classification:RocAuc",
    "accuracy": ".classification:Accuracy",
    "f1": ".classification:F1",
    "log_loss": ".classification:LogLoss",
    "rmse": ".regression:Rmse",
    "mae": ".regression:Mae",
    "r2": ".regression:R2",
}
