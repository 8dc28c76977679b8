"""Trackers: the live figures of a run, mirrored to other tools.  Our own catalog stays the truth."""

PARTS: dict[str, str] = {
    "tensorboard": ".tensorboard:TensorBoard",
    "mlflow": ".mlflow:MLflow",
}
