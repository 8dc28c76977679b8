"""Rows that meet: blends, boxes and cells, against one row at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from aimass.core.errors import InputError
from aimass.train.augment.base import branch
from aimass.train.augment.mixing import beta, own_share
from aimass.train.rng import Chance
from tests.train.augment.by_hand import batch_of, chance_of, part, signature_of


@pytest.mark.parametrize("concentration", [0.05, 0.2, 1.0])
def test_shares_are_drawn_from_the_beta_distribution(concentration: float) -> None:
    rows = torch.arange(10_000)
    drawn = beta(Chance(3, 0, rows), concentration).sort().values.numpy()
    expected = np.random.default_rng(0).beta(concentration, concentration, 100_000)
    assert drawn.min() >= 0 and drawn.max() <= 1
    # Kolmogorov and Smirnov: 1.95 / sqrt(n) is passed by chance once in a thousand times.
    at = np.linspace(0.001, 0.999, 200)
    gap = np.searchsorted(drawn, at) / len(drawn) - (expected[None] <= at[:, None]).mean(1)
    assert np.abs(gap).max() < 1.95 / np.sqrt(len(drawn)) + 0.005


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_mixup_blends_tensors_and_answers_by_the_same_share(task: str) -> None:
    signature = signature_of("numbers", "image", "categories", task=task)
    batch = batch_of(signature, 40)
    varied = part("mixup", share=0.8, concentration=1.0).ready(signature)(batch, chance_of(batch))
    own = own_share(chance_of(batch), 0.8, 1.0)
    cell = branch(chance_of(batch), "x.categories").uniform("cell", 2)
    answers = torch.eye(3)[batch.target] if task == "multiclass" else batch.target.float()
    assert 0.1 < (own == 1).float().mean() < 0.4
    for n in range(40):
        share, other = own[n], n - 1
        for place in (0, 1):
            tensor = batch.tensors[place]
            assert torch.allclose(varied.tensors[place][n], share * tensor[n] + (1 - share) * tensor[other], atol=1e-5)
        assert torch.equal(varied.tensors[2][n], torch.where(cell[n] < share, *batch.tensors[2][[n, other]]))
        assert torch.allclose(varied.target[n], share * answers[n] + (1 - share) * answers[other], atol=1e-6)
    assert varied.target.dtype == torch.float32


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_cutmix_pastes_a_box_and_shares_the_answer_by_its_area(task: str) -> None:
    signature = signature_of("image", task=task, image=(2, 9, 13))
    batch = batch_of(signature, 30)
    images = batch.tensors[0]
    varied = part("cutmix", share=0.8).ready(signature)(batch, chance_of(batch))
    answers = torch.eye(3)[batch.target] if task == "multiclass" else batch.target.float()
    areas = []
    for n in range(30):
        pasted = (varied.tensors[0][n] == images[n - 1]).all(0)
        assert torch.equal(torch.where(pasted, images[n - 1], images[n]), varied.tensors[0][n])
        rows, columns = pasted.any(1), pasted.any(0)
        assert torch.equal(pasted, rows[:, None] & columns[None])
        for side in (rows, columns):  # one run, so that it is a box
            assert (side[1:].int() - side[:-1].int()).clamp(min=0).sum() + side[0].int() <= 1
        areas.append(float(pasted.float().mean()))
        assert torch.allclose(varied.target[n], (1 - areas[n]) * answers[n] + areas[n] * answers[n - 1], atol=1e-6)
    assert min(areas) == 0 and max(areas) > 0.5


def test_after_mixing_twice_the_shares_of_the_classes_still_add_up_to_one() -> None:
    signature = signature_of("image")
    batch = batch_of(signature, 16)
    once = part("mixup", concentration=1.0).ready(signature)(batch, chance_of(batch))
    twice = part("cutmix", share=1.0).ready(signature)(once, chance_of(batch))
    assert torch.allclose(twice.target.sum(1), torch.ones(16))
    assert (twice.target > 0).sum(1).max() == 3


def test_a_single_row_meets_itself() -> None:
    signature = signature_of("image")
    batch = batch_of(signature, 1)
    for name in ("mixup", "cutmix"):
        varied = part(name).ready(signature)(batch, chance_of(batch))
        assert torch.allclose(varied.tensors[0], batch.tensors[0], atol=1e-6)
        assert torch.allclose(varied.target[0], torch.eye(3)[batch.target[0]])


@pytest.mark.parametrize(("name", "kinds"), [("mixup", ("numbers", "words")), ("cutmix", ("image", "numbers"))])
def test_what_has_no_mixture_is_refused(name: str, kinds: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="cannot"):
        part(name).ready(signature_of(*kinds))


def test_swapped_cells_come_from_the_same_column_of_the_batch() -> None:
    signature = signature_of("numbers", "categories")
    batch = batch_of(signature, 50)
    varied = part("swap-cells", share=0.3).ready(signature)(batch, chance_of(batch))
    assert varied.target is batch.target
    for field, before, after in zip(signature.inputs, batch.tensors, varied.tensors, strict=True):
        own: Any = branch(chance_of(batch), field.name)
        row = (own.integers("row", 0, 1 << 30, *before.shape[1:]) % 50).numpy()
        swapped = own.uniform("share", *before.shape[1:]).numpy() < 0.3
        assert 0.15 < swapped.mean() < 0.45
        for n, c in np.ndindex(before.shape):
            assert after[n, c] == (before[row[n, c], c] if swapped[n, c] else before[n, c])


def test_jitter_adds_normal_noise_of_the_given_deviation() -> None:
    signature = signature_of("numbers")
    batch = batch_of(signature, 4000)
    noise = (
        part("jitter", strength=0.3).ready(signature)(batch, chance_of(batch)).tensors[0] - batch.tensors[0]
    ).numpy()
    assert np.allclose(noise.std(0), 0.3, atol=0.02)
    assert np.abs(noise.mean(0)).max() < 0.02
    assert np.abs(np.corrcoef(noise.T) - np.eye(noise.shape[1])).max() < 0.08


def test_hidden_categories_read_as_never_seen() -> None:
    signature = signature_of("categories")
    batch = batch_of(signature, 500)
    found = part("hide-categories", share=0.2).ready(signature)(batch, chance_of(batch)).tensors[0]
    hidden = found == 0
    assert 0.15 < hidden.float().mean() < 0.25
    assert torch.equal(found[~hidden], batch.tensors[0][~hidden])
