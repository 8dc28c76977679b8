"""Where pixels come from, against one image at a time in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from aimass.train.augment.base import branch
from aimass.train.augment.geometry import chained, linear, sampled
from aimass.train.batch import Batch
from aimass.train.rng import Chance
from tests.train.augment.by_hand import batch_of, chance_of, part, signature_of

SIGNATURE = signature_of("image", image=(3, 11, 14))
BATCH = batch_of(SIGNATURE, 12)
IMAGES = BATCH.tensors[0].numpy()
HEIGHT, WIDTH = IMAGES.shape[2:]


def varied(name: str, **given: Any) -> np.ndarray:
    return part(name, **given).ready(SIGNATURE)(BATCH, chance_of(BATCH)).tensors[0].numpy()


def luck() -> Chance:
    return branch(chance_of(BATCH), "x.image.picture")


def bilinear(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """IMAGE [C, H, W] at the places X, Y (pixels from the top left one), any shape; edges go on outside."""
    x, y = np.clip(x, 0, image.shape[2] - 1), np.clip(y, 0, image.shape[1] - 1)
    left, top = np.minimum(x.astype(int), image.shape[2] - 2), np.minimum(y.astype(int), image.shape[1] - 2)
    right, down = x - left, y - top
    above = image[:, top, left] * (1 - right) + image[:, top, left + 1] * right
    below = image[:, top + 1, left] * (1 - right) + image[:, top + 1, left + 1] * right
    return above * (1 - down) + below * down


def test_flip_mirrors_the_images_that_chance_says() -> None:
    found = varied("flip", horizontal=0.5, vertical=0.3)
    across, down = (luck().uniform("flip", 2).numpy() < [0.5, 0.3]).T
    assert across.any() and down.any() and not across.all()
    for n, image in enumerate(IMAGES):
        image = image[:, :, ::-1] if across[n] else image
        assert np.array_equal(found[n], image[:, ::-1] if down[n] else image)


@pytest.mark.parametrize("pixels", [0, 3, 40])
def test_shift_is_a_crop_of_the_image_padded_with_its_edges(pixels: int) -> None:
    found, move = varied("shift", pixels=pixels), luck().integers("move", -pixels, pixels + 1, 2).numpy()
    for n, image in enumerate(IMAGES):
        padded = np.pad(image, ((0, 0), (pixels, pixels), (pixels, pixels)), mode="edge")
        x, y = pixels + move[n]
        assert np.array_equal(found[n], padded[:, y : y + HEIGHT, x : x + WIDTH])


def test_crop_stretches_a_part_of_the_promised_size_over_the_whole_image() -> None:
    found, lots = varied("crop", smallest=0.2, stretch=1.5), luck().uniform("crop", 5).numpy()
    area, wider = 0.2 + 0.8 * lots[:, 0], 1 + 0.5 * lots[:, 1]
    ratio = np.where(lots[:, 2] < 0.5, wider, 1 / wider)
    for n, image in enumerate(IMAGES):
        wide, high = min(1, math.sqrt(area[n] * ratio[n])) * WIDTH, min(1, math.sqrt(area[n] / ratio[n])) * HEIGHT
        left, top = lots[n, 3] * (WIDTH - wide), lots[n, 4] * (HEIGHT - high)
        x = left + (np.arange(WIDTH) + 0.5) / WIDTH * wide - 0.5
        y = top + (np.arange(HEIGHT) + 0.5) / HEIGHT * high - 0.5
        assert np.allclose(found[n], bilinear(image, *np.meshgrid(x, y)), atol=2e-4)


def test_affine_slants_then_turns_and_scales_about_the_middle() -> None:
    found, lots = varied("affine", degrees=40.0, zoom=0.5, shear=0.3), luck().uniform("affine", 4).numpy()
    angle, far, lean = np.radians(40) * (2 * lots[:, 0] - 1), 1 + 0.5 * lots[:, 1], 0.3 * (2 * lots[:, 3] - 1)
    scale = np.where(lots[:, 2] < 0.5, far, 1 / far)
    middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    places = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1) - middle
    for n, image in enumerate(IMAGES):
        turn = [[np.cos(angle[n]), -np.sin(angle[n])], [np.sin(angle[n]), np.cos(angle[n])]]
        x, y = np.moveaxis(places @ (scale[n] * np.array(turn) @ [[1, lean[n]], [0, 1]]).T + middle, -1, 0)
        assert np.allclose(found[n], bilinear(image, x, y), atol=2e-4)


def test_a_quarter_turn_is_the_one_of_numpy() -> None:
    square = torch.randn(1, 2, 5, 5)
    none, one = torch.zeros(1), torch.ones(1)
    turned = sampled(square, linear(none, -one, one, none), whole=True)
    assert np.array_equal(turned[0].numpy(), np.rot90(square[0].numpy(), axes=(1, 2)))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 1, 1, 9), (1, 3, 7, 1)])
def test_images_of_one_line_or_one_pixel_are_no_special_case(shape: tuple[int, ...]) -> None:
    images, rows = torch.randn(shape), torch.arange(shape[0])
    one = torch.ones(shape[0])
    assert torch.equal(sampled(images, linear(one, one * 0, one * 0, one), whole=True), images)
    signature = signature_of("image", image=shape[1:])
    for name in ("flip", "shift", "crop", "affine", "colour", "blur", "noise", "cutout", "cutmix"):
        batch = Batch((images,), torch.zeros(shape[0], dtype=torch.int64), rows)
        assert torch.isfinite(part(name).ready(signature)(batch, chance_of(batch)).tensors[0]).all()


def test_a_large_image_moves_by_whole_pixels_to_the_last() -> None:
    image = torch.arange(6000.0).expand(1, 1, 3, 6000).contiguous()
    one = torch.ones(1)
    moved = sampled(image, linear(-one, one * 0, one * 0, one, one * 17), whole=True)
    assert torch.equal(moved[0, 0, 1], (image[0, 0, 1].flip(0) + 17).clamp(max=5999))


def test_chained_maps_lead_from_the_result_through_all_parts_to_the_image() -> None:
    first, then = torch.randn(4, 2, 3), torch.randn(4, 2, 3)
    point = torch.tensor([2.0, -3.0, 1.0])
    between = torch.cat([then @ point, torch.ones(4, 1)], dim=1)
    assert torch.allclose(chained([first, then]) @ point, (first @ between[:, :, None])[:, :, 0], atol=1e-5)
