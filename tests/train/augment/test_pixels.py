"""What pixels become, against one image at a time in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from aimass.train.augment.base import branch
from aimass.train.batch import Batch
from aimass.train.rng import Chance
from tests.train.augment.by_hand import batch_of, chance_of, part, signature_of

SIGNATURE = signature_of("image", image=(3, 11, 14))
BATCH = batch_of(SIGNATURE, 12)
IMAGES = BATCH.tensors[0].numpy()
COLOUR = ("brightness", "contrast", "saturation", "hue")  # the order in which they are drawn


def varied(name: str, **given: Any) -> np.ndarray:
    return part(name, **given).ready(SIGNATURE)(BATCH, chance_of(BATCH)).tensors[0].numpy()


def luck() -> Chance:
    return branch(chance_of(BATCH), "x.image.picture")


def either_way(name: str) -> np.ndarray:
    return 2 * luck().uniform("colour", 4)[:, COLOUR.index(name)].numpy() - 1


def test_colour_turns_and_scales_what_is_not_grey_then_scales_and_lifts_the_whole() -> None:
    found = varied("colour", brightness=0.5, contrast=0.4, saturation=0.6, hue=120.0)
    axis = np.full(3, 1 / math.sqrt(3))
    for n, image in enumerate(IMAGES):
        pixels = image.reshape(3, -1).T.astype(np.float64)
        grey = pixels.mean(1, keepdims=True)
        angle, saturation = math.radians(120) * either_way("hue")[n], 1 + 0.6 * either_way("saturation")[n]
        colour = pixels - grey  # turned round the axis of greys by the formula of Rodrigues
        turned = colour * math.cos(angle) + np.cross(axis, colour) * math.sin(angle)
        contrast = 1 + 0.4 * either_way("contrast")[n]
        about = image.mean() + contrast * (grey + saturation * turned - image.mean())
        expected = about + 0.5 * either_way("brightness")[n] * image.std()
        assert np.allclose(found[n], expected.T.reshape(image.shape), atol=1e-4)


@pytest.mark.parametrize("channels", [1, 4])
def test_images_without_three_channels_change_brightness_and_contrast_only(channels: int) -> None:
    signature = signature_of("image", image=(channels, 6, 5))
    batch = batch_of(signature, 5)
    found = part("colour", brightness=1.0, contrast=0.5).ready(signature)(batch, chance_of(batch)).tensors[0]
    own = branch(chance_of(batch), "x.image.picture")
    for n, image in enumerate(batch.tensors[0].numpy()):
        lift, contrast = (2 * own.uniform("colour", 4)[n, :2] - 1).tolist()
        expected = image.mean() + (1 + 0.5 * contrast) * (image - image.mean()) + lift * image.std()
        assert np.allclose(found[n], expected, atol=1e-5)


def test_colours_change_alike_in_any_unit() -> None:
    scaled = Batch((BATCH.tensors[0] * 50 + 128,), BATCH.target, BATCH.rows)
    found = part("colour").ready(SIGNATURE)(scaled, chance_of(scaled)).tensors[0]
    assert np.allclose(found, varied("colour") * 50 + 128, atol=1e-2)


def test_blur_is_a_gaussian_along_both_axes_with_edges_that_go_on() -> None:
    found, reach = varied("blur", share=0.7, sigma=1.3), 3
    blurred, width = luck().uniform("share").numpy() < 0.7, 1.3 * luck().uniform("sigma").numpy()
    assert blurred.any() and not blurred.all()
    for n, image in enumerate(IMAGES):
        if not blurred[n]:
            assert np.array_equal(found[n], image)
            continue
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width[n]) ** 2)
        padded = np.pad(image, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
        for axis in (1, 2):
            padded = np.apply_along_axis(np.convolve, axis, padded, weights / weights.sum(), mode="valid")
        assert np.allclose(found[n], padded, atol=1e-5)


def test_noise_is_normal_in_deviations_of_the_image_and_differs_from_row_to_row() -> None:
    signature = signature_of("image", image=(3, 60, 50))
    batch = batch_of(signature, 8)
    images = batch.tensors[0] * 7 + 3
    noisy = part("noise", strength=0.5).ready(signature)(batch._replace(tensors=(images,)), chance_of(batch)).tensors[0]
    share = branch(chance_of(batch), "x.image.picture").uniform("strength").numpy() * 0.5
    noise = (noisy - images).flatten(1).numpy() / share[:, None] / images.flatten(1).numpy().std(1, keepdims=True)
    assert np.abs(noise.mean(1)).max() < 4 / math.sqrt(noise.shape[1])
    assert np.allclose(noise.std(1), 1, atol=0.05)
    assert np.allclose((noise**4).mean(1), 3, atol=0.5)
    assert np.abs(np.corrcoef(noise) - np.eye(8)).max() < 0.06


def test_cutout_hides_a_square_behind_the_mean_colour() -> None:
    found, side = varied("cutout", share=0.7, side=0.4), round(0.4 * 11)
    hidden = luck().uniform("share").numpy() < 0.7
    down, across = (luck().integers(name, 0, size).numpy() for name, size in (("down", 11), ("across", 14)))
    assert hidden.any() and not hidden.all()
    for n, image in enumerate(IMAGES):
        expected = image.copy()
        top, left = max(0, down[n] - side // 2), max(0, across[n] - side // 2)
        bottom, right = down[n] - side // 2 + side, across[n] - side // 2 + side
        if hidden[n]:
            expected[:, top:bottom, left:right] = image.mean((1, 2), keepdims=True)
        outside = expected == image
        assert np.allclose(found[n], expected, atol=1e-6)
        assert np.array_equal(found[n][outside], image[outside])


def test_two_images_of_a_row_vary_each_by_its_own_chance() -> None:
    one = SIGNATURE.inputs[0]
    two = signature_of("image", image=(3, 11, 14))
    two = type(two)(two.task, two.target, (), (one, type(one)("x.image.other", one.dtype, one.shape)), two.outputs)
    batch = Batch((BATCH.tensors[0], BATCH.tensors[0]), BATCH.target, BATCH.rows)
    first, second = part("affine").ready(two)(batch, chance_of(batch)).tensors
    assert not torch.equal(first, second)
