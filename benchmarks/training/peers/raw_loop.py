"""The loop of the torch tutorial: DataLoader with its defaults, work per sample, float32, Adam as it comes."""

from __future__ import annotations

import torch
from common import RATE, Run, Task, arguments, loader, scores_by
from torch import nn


def main() -> None:
    task = Task(arguments())
    model, batches, loss_of = task.model(), loader(task), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    run = Run(task)
    for _ in range(task.epochs):
        model.train()
        for step, (inputs, labels) in enumerate(batches):
            loss = loss_of(model(inputs), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            if step % 100 == 0:
                print(f"loss {loss.item():.4f}")
        run.epoch_ended()
    run.finish(scores_by(model))


if __name__ == "__main__":
    main()
