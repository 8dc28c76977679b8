"""The loop an expert writes: rows in memory, one fetch a batch, channels_last, fused Adam; float32 or bfloat16."""

from __future__ import annotations

import torch
from common import RATE, Batches, Run, Task, arguments, scores_by
from torch.nn.functional import cross_entropy


def main() -> None:
    task = Task(arguments())
    model = task.model().to(memory_format=task.layout())
    batches = Batches(task)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    half = task.args.precision == "bf16"
    run = Run(task)
    model.train()
    for _ in range(task.epochs):
        for inputs, labels in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                loss = cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        run.epoch_ended()
    run.finish(scores_by(model))


if __name__ == "__main__":
    main()
