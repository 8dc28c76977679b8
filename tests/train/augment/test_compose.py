"""Several augmentations as one."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import pytest
import torch

from aimass.core.errors import InputError
from aimass.train.augment import compose as composing
from aimass.train.augment.base import branch
from aimass.train.augment.compose import compose
from aimass.train.augment.geometry import chained, sampled
from aimass.train.batch import Batch
from tests.train.augment.by_hand import IMAGES, batch_of, chance_of, part, same, signature_of

SIGNATURE = signature_of("image", "numbers", image=(3, 11, 14))
BATCH = batch_of(SIGNATURE, 10)
MANY = ["flip", "shift", "noise", "crop", "affine", "colour", "mixup", "cutout", "jitter", "swap-cells"]


def one_by_one(names: list[str]) -> Batch:
    """Each part on its own, with the chance of its place."""
    whole = chance_of(BATCH)
    steps = [(part(name).ready(SIGNATURE), branch(whole, i)) for i, name in enumerate(names)]
    return reduce(lambda batch, step: step[0](batch, step[1]), steps, BATCH)


def test_parts_work_in_their_order_each_with_a_chance_of_its_own() -> None:
    names = ["noise", "mixup", "cutout", "colour", "swap-cells", "jitter"]
    assert same(compose([part(name) for name in names], SIGNATURE)(BATCH, chance_of(BATCH)), one_by_one(names))


def test_flip_and_shift_together_move_every_pixel_as_one_after_the_other() -> None:
    names = ["flip", "shift"]
    assert same(compose([part(name) for name in names], SIGNATURE)(BATCH, chance_of(BATCH)), one_by_one(names))


def test_geometry_next_to_geometry_interpolates_once() -> None:
    names = ["flip", "crop", "affine"]
    found = compose([part(name) for name in names], SIGNATURE)(BATCH, chance_of(BATCH)).tensors[0]
    own = [branch(branch(chance_of(BATCH), i), "x.image.picture") for i in range(3)]
    maps = [part(name).source(luck, 11, 14) for name, luck in zip(names, own, strict=True)]  # type: ignore[attr-defined]
    assert torch.equal(found, sampled(BATCH.tensors[0], chained(maps), whole=False))
    assert not torch.equal(found, one_by_one(names).tensors[0])


def test_the_same_part_twice_draws_twice() -> None:
    twice = compose([part("noise"), part("noise")], SIGNATURE)(BATCH, chance_of(BATCH)).tensors[0] - BATCH.tensors[0]
    once = compose([part("noise")], SIGNATURE)(BATCH, chance_of(BATCH)).tensors[0] - BATCH.tensors[0]
    assert not torch.allclose(twice, 2 * once, atol=1e-3)


@pytest.mark.parametrize("piece", [1, 3 * 4 * 3 * 11 * 14])
def test_a_batch_in_pieces_gives_the_bits_of_the_whole(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vary = compose([part(name) for name in MANY], SIGNATURE)
    whole = vary(BATCH, chance_of(BATCH))
    monkeypatch.setattr(composing, "PIECE", piece)
    assert same(vary(BATCH, chance_of(BATCH)), whole)


def test_bytes_with_channels_last_come_out_so_and_are_rounded_once() -> None:
    given = (BATCH.tensors[0] * 30 + 120).clamp(0, 255).byte().contiguous(memory_format=torch.channels_last)
    batch = BATCH._replace(tensors=(given, BATCH.tensors[1]))
    vary = compose([part(name) for name in IMAGES], SIGNATURE)
    images = vary(batch, chance_of(batch)).tensors[0]
    exact = vary(batch._replace(tensors=(given.float(), batch.tensors[1])), chance_of(batch)).tensors[0]
    assert images.dtype == torch.uint8
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, exact.round().clamp(0, 255).byte())


def test_no_parts_leave_the_batch_as_it_is() -> None:
    assert compose([], SIGNATURE)(BATCH, chance_of(BATCH)).tensors[0] is BATCH.tensors[0]


def test_an_error_names_the_part_at_fault(graph: Path) -> None:
    with pytest.raises(InputError, match="misspell") as caught:
        compose([part("flip"), part("misspell")], SIGNATURE, graph)
    assert caught.value.key == "misspell"
