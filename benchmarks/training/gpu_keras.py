"""ResNet-50 by Keras 3 on torch, out of the box: its own layers and layout, `model.fit` on arrays, float32."""

from __future__ import annotations

import os
import time
from typing import Any

import by_hand
import numpy as np
from by_hand import Work


def trained(work: Work, blocks: tuple[int, ...], width: int, small: bool, classes: int) -> float:
    """Rows a second of whole epochs, the first apart.  Raises ImportError where Keras is not installed.

    The network is `resnet.resnet` with bottlenecks, layer by layer.
    """
    os.environ["KERAS_BACKEND"], os.environ["KERAS_TORCH_DEVICE"] = "torch", work.device.type
    import keras

    stamps: list[float] = []

    def ended(epoch: int, logs: dict[str, Any] | None = None) -> None:
        by_hand.synchronise(work.device)
        stamps.append(time.perf_counter())

    inputs = np.ascontiguousarray(np.moveaxis(work.values.numpy(), 1, -1))
    model = built(keras, inputs.shape[1:], blocks, width, small, classes)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(by_hand.RATE, by_hand.MOMENTUM), loss)
    tell = keras.callbacks.LambdaCallback(on_epoch_end=ended)
    labels = work.labels.numpy()
    model.fit(inputs, labels, batch_size=work.batch, epochs=work.epochs, verbose=0, callbacks=[tell])
    return work.rows * (work.epochs - 1) / (stamps[-1] - stamps[0])


def built(keras: Any, shape: tuple[int, ...], blocks: tuple[int, ...], width: int, small: bool, classes: int) -> Any:
    """As `resnet.resnet`, for pictures of SHAPE [H, W, 3]."""
    layers = keras.layers

    def convolved(x: Any, outer: int, size: int, stride: int = 1) -> Any:
        x = layers.Conv2D(outer, size, stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    def block(x: Any, width: int, stride: int) -> Any:
        inner = layers.ReLU()(convolved(x, width, 1))
        inner = layers.ReLU()(convolved(inner, width, 3, stride))
        inner = convolved(inner, 4 * width, 1)
        same = x.shape[-1] == 4 * width and stride == 1
        return layers.ReLU()(layers.Add()([inner, x if same else convolved(x, 4 * width, 1, stride)]))

    first = keras.Input(shape)
    x = layers.ReLU()(convolved(first, width, 3) if small else convolved(first, width, 7, 2))
    if not small:
        x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for stage, count in enumerate(blocks):
        for number in range(count):
            x = block(x, width << stage, 2 if stage and not number else 1)
    return keras.Model(first, layers.Dense(classes)(layers.GlobalAveragePooling2D()(x)))
