"""AI Mass: `aimass.fit` on arrays; --equal: nothing measured or chosen, the expert's settings given by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from common import RATE, Run, Task, arguments, scores_by

from aimass.train.fit import fit


def main() -> None:
    task = Task(arguments())
    how: dict[str, Any] = {}
    if task.args.equal:
        how = {
            "advise": "off",
            "precision": task.args.precision,
            "update": "fused",
            "tier": "memory",
            "compile": "none",
            "layout": "channels-last" if task.name == "cnn" else "contiguous",
            "threads": task.args.threads,
        }
    inputs, model = task.inputs(), task.model()
    run = Run(task, "aimass")
    result = fit(
        model, (inputs, task.labels), epochs=task.epochs, batch=task.batch, optimizer="adam", learning_rate=RATE,
        schedule="constant", weight_decay=0.0, clip=0.0, seed=task.args.seed, **how,
    )  # fmt: skip
    told = {name: result.ledger.get(name) for name in ("verdict", "seconds", "reason")}
    run.finish(scores_by(result.module), epoch_seconds(result.history), plan=result.plan.as_json(), advice=told)


def epoch_seconds(history: list[dict[str, float]]) -> list[float]:
    """Of each epoch, from the report that ends it to the one that ends the next; all that is between counts."""
    stamps = [0.0, *(row["seconds"] for row in history if "epoch_rows_per_s" in row)]
    return [end - begin for begin, end in pairwise(stamps)]


if __name__ == "__main__":
    main()
