"""What every augmentation promises, checked over the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from aimass.core.errors import InputError
from aimass.train.augment.base import Vary
from aimass.train.batch import Batch
from aimass.train.rng import Chance
from tests.train.augment.by_hand import (
    ALL,
    IMAGES,
    batch_of,
    chance_of,
    class_of,
    kinds_of,
    part,
    same,
    signature_of,
    sub,
)

ALONE = [name for name in ALL if class_of(name).alone]
KINDS_OF_SIDES = ((3, 12, 10), (1, 7, 5), (2, 9, 9))  # colour, grey, and neither; odd numbers of pixels

WAITS = ("_local_scalar_dense", "nonzero", "is_nonzero", "masked_select", "equal", "unique")
ROWS = 9


class NoWaiting(TorchDispatchMode):
    """Fails on operations for which the host has to wait for the device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func.overloadpacket.__name__ not in WAITS, func
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ALL)
class TestEveryAugmentation:
    def test_it_varies_something(self, name: str, graph: Path) -> None:
        batch, vary = setup(name, graph)
        assert not same(vary(batch, chance_of(batch)), batch)

    def test_equal_seed_and_epoch_give_equal_bits(self, name: str, graph: Path) -> None:
        batch, vary = setup(name, graph)
        assert same(vary(batch, chance_of(batch)), vary(batch, chance_of(batch)))

    def test_another_epoch_and_another_seed_give_another_result(self, name: str, graph: Path) -> None:
        batch, vary = setup(name, graph)
        first = vary(batch, chance_of(batch))
        assert not same(first, vary(batch, chance_of(batch, epoch=1)))
        assert not same(first, vary(batch, chance_of(batch, seed=8)))

    def test_its_input_is_not_written_into(self, name: str, graph: Path) -> None:
        batch, vary = setup(name, graph)
        before = Batch(tuple(t.clone() for t in batch.tensors), batch.target.clone(), batch.rows.clone())
        vary(batch, chance_of(batch))
        assert same(batch, before)
        assert torch.equal(batch.rows, before.rows)

    def test_shapes_and_types_are_kept(self, name: str, graph: Path) -> None:
        batch, vary = setup(name, graph)
        varied = vary(batch, chance_of(batch))
        assert [(t.shape, t.dtype) for t in varied.tensors] == [(t.shape, t.dtype) for t in batch.tensors]
        assert varied.target.shape[0] == batch.size
        assert varied.rows is batch.rows
        assert all(torch.isfinite(tensor).all() for tensor in varied.tensors)

    def test_the_host_waits_for_nothing(self, name: str, graph: Path) -> None:
        batch, vary = setup(name, graph)
        with NoWaiting():
            vary(batch, chance_of(batch))

    def test_every_tensor_it_makes_is_on_the_batchs_device(self, name: str, graph: Path) -> None:
        """The meta device has no values to look at, and refuses to meet tensors of another device."""
        batch, vary = setup(name, graph)
        away = Batch(tuple(t.to("meta") for t in batch.tensors), batch.target.to("meta"), batch.rows.to("meta"))
        varied = vary(away, chance_of(away))
        assert {tensor.device.type for tensor in (*varied.tensors, varied.target)} == {"meta"}

    def test_one_row_is_enough(self, name: str, graph: Path) -> None:
        batch, vary = setup(name, graph)
        one = sub(batch, slice(0, 1))
        assert vary(one, chance_of(one)).tensors[0].shape == one.tensors[0].shape

    def test_it_refuses_a_signature_without_anything_to_vary(self, name: str, graph: Path) -> None:
        others = "image" if name in ("jitter", "swap-cells", "hide-categories") else "words"
        others = "numbers" if kinds_of(name)[0] == "words" else others
        with pytest.raises(InputError, match=f"augmentation {name} "):
            part(name).ready(signature_of(others), graph)


@pytest.mark.parametrize("name", ALONE)
class TestEveryAugmentationOfSingleRows:
    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(rows=st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=ROWS), image=st.sampled_from(KINDS_OF_SIDES))
    def test_a_row_varies_alike_whatever_batch_holds_it_and_where(
        self, name: str, graph: Path, rows: list[int], image: tuple[int, ...]
    ) -> None:
        batch, vary = setup(name, graph, image=image)
        whole, some = vary(batch, chance_of(batch)), sub(batch, rows)
        assert same(vary(some, chance_of(some)), sub(whole, rows))

    def test_its_target_stays(self, name: str, graph: Path) -> None:
        batch, vary = setup(name, graph)
        assert vary(batch, chance_of(batch)).target is batch.target


@pytest.mark.parametrize("name", [*IMAGES, "mixup", "cutmix"])
class TestEveryAugmentationOfImages:
    def test_channels_last_stay_last_with_the_same_values(self, name: str, graph: Path) -> None:
        batch, vary = setup(name, graph)
        place = kinds_of(name).index("image")
        last = with_images(batch, place, batch.tensors[place].contiguous(memory_format=torch.channels_last))
        images = vary(last, chance_of(last)).tensors[place]
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert not images.is_contiguous()
        assert torch.equal(images, vary(batch, chance_of(batch)).tensors[place])

    @pytest.mark.parametrize("dtype", [torch.uint8, torch.bfloat16])
    def test_bytes_and_halves_are_computed_as_floats_and_rounded_once(
        self, name: str, dtype: torch.dtype, graph: Path
    ) -> None:
        batch, vary = setup(name, graph)
        place = kinds_of(name).index("image")
        given = (batch.tensors[place] * 30 + 120).clamp(0, 255).to(dtype)
        images = vary(with_images(batch, place, given), chance_of(batch)).tensors[place]
        exact = vary(with_images(batch, place, given.float()), chance_of(batch)).tensors[place]
        assert torch.equal(images, (exact.round().clamp(0, 255) if dtype == torch.uint8 else exact).to(dtype))


def with_images(batch: Batch, place: int, images: torch.Tensor) -> Batch:
    return batch._replace(tensors=(*batch.tensors[:place], images, *batch.tensors[place + 1 :]))


def setup(name: str, graph: Path, **options: Any) -> tuple[Batch, Vary]:
    signature = signature_of(*kinds_of(name), **options)
    return batch_of(signature, ROWS), part(name).ready(signature, graph)


def test_another_row_varies_in_another_way() -> None:
    signature = signature_of("image")
    image = batch_of(signature, 1).tensors[0].expand(2, -1, -1, -1)
    batch = Batch((image,), torch.zeros(2, dtype=torch.int64), torch.tensor([3, 4]))
    for name in ("affine", "noise"):
        first, second = part(name).ready(signature)(batch, Chance(0, 0, batch.rows)).tensors[0]
        assert not torch.equal(first, second)
