"""Hugging Face Accelerate: its "five lines on your own loop"; --equal gives it the expert's data path and optimizer."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from common import RATE, Batches, Run, Task, arguments, loader, scores_by
from torch import nn


def main() -> None:
    task = Task(arguments())
    equal, half = task.args.equal, task.args.precision == "bf16"
    accelerator = Accelerator(mixed_precision="bf16" if half else "no")
    model, loss_of = task.model(), nn.CrossEntropyLoss()
    if equal:
        model, batches = model.to(memory_format=task.layout()), Batches(task)
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
        model, optimizer = accelerator.prepare(model, optimizer)
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        model, optimizer, batches = accelerator.prepare(model, optimizer, loader(task))
    run = Run(task, "accelerate")
    for _ in range(task.epochs):
        model.train()
        for inputs, labels in batches:
            optimizer.zero_grad()
            with accelerator.autocast():
                loss = loss_of(model(inputs), labels)
            accelerator.backward(loss)
            optimizer.step()
        run.epoch_ended()
    run.finish(scores_by(accelerator.unwrap_model(model, keep_fp32_wrapper=False)))


if __name__ == "__main__":
    main()
