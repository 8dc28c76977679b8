"""Keras 3 on torch, `model.fit` on arrays as its quick-start has it: its own layers and its default channels_last.

The layers begin with the weights of the torch model of the same seed, so that only the training differs.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from common import RATE, Run, Task, arguments
from keras import layers
from torch import nn


def built(task: Task) -> keras.Model:
    """The model of TASK in layers of Keras."""
    if task.name == "mlp":
        shape, inner = (784,), [layers.Dense(64, "relu"), layers.Dense(32, "relu")]
    else:
        shape, inner = (28, 28, 1), [
            layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"), layers.MaxPooling2D(2),
            layers.Flatten(), layers.Dense(128, "relu"),
        ]  # fmt: skip
    return keras.Sequential([keras.Input(shape), *inner, layers.Dense(10)])


def copy(source: nn.Module, target: keras.Model) -> None:
    """Weights of SOURCE into TARGET: kernels are [height, width, in, out] there, matrices [in, out]."""
    theirs = [layer for layer in target.layers if layer.weights]
    ours = [layer for layer in source.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer, torch_layer in zip(theirs, ours, strict=True):
        weight, bias = (value.detach().numpy() for value in (torch_layer.weight, torch_layer.bias))
        if weight.ndim == 2 and weight.shape[1] == 64 * 7 * 7:  # flattened as [height, width, channel] there
            weight = weight.reshape(-1, 64, 7, 7).transpose(0, 2, 3, 1).reshape(len(weight), -1)
        layer.set_weights([weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T, bias])


def main() -> None:
    task = Task(arguments())
    keras.utils.set_random_seed(task.args.seed)
    inputs = to_keras(task.inputs())
    model = built(task)
    copy(task.model(), model)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(RATE, epsilon=1e-8), loss, metrics=["accuracy"])
    run = Run(task, "keras")
    tell = keras.callbacks.LambdaCallback(on_epoch_end=run.epoch_ended)
    model.fit(inputs, task.labels, batch_size=task.batch, epochs=task.epochs, callbacks=[tell])
    run.finish(lambda test: model.predict(to_keras(test), batch_size=1000, verbose=0))


def to_keras(inputs: np.ndarray) -> np.ndarray:
    """Channels last: [N, 1, 28, 28] -> [N, 28, 28, 1]."""
    return np.moveaxis(inputs, 1, -1) if inputs.ndim == 4 else inputs


if __name__ == "__main__":
    main()
