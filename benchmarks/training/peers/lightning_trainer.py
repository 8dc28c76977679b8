"""Lightning's Trainer as its quick-start has it; --equal: the expert's data path, all that it may do beside off."""

from __future__ import annotations

import lightning
import torch
from common import RATE, Batches, Run, Task, arguments, loader, scores_by
from torch import Tensor, nn


class Module(lightning.LightningModule):
    """The model, its loss and its optimizer."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.equal, self.model, self.loss_of = task.args.equal, task.model(), nn.CrossEntropyLoss()
        self.run: Run

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        inputs, labels = batch
        loss: Tensor = self.loss_of(self.model(inputs), labels)
        if not self.equal:
            self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=RATE, fused=True if self.equal else None)

    def on_train_epoch_end(self) -> None:
        self.run.epoch_ended()


def main() -> None:
    task = Task(arguments())
    module = Module(task)
    if task.args.equal:
        module = module.to(memory_format=task.layout())
        precision = "bf16-mixed" if task.args.precision == "bf16" else "32-true"
        off = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False, "benchmark": False}
        trainer = lightning.Trainer(max_epochs=task.epochs, precision=precision, enable_model_summary=False, **off)
    else:
        trainer = lightning.Trainer(max_epochs=task.epochs)
    batches = Batches(task) if task.args.equal else loader(task)
    module.run = Run(task, "lightning")
    trainer.fit(module, batches)
    module.run.finish(scores_by(module.model))


if __name__ == "__main__":
    main()
