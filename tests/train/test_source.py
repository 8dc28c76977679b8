"""Fetching: the rows that were asked for, as the graph gives them, one gather a tensor, wherever they lie."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from aimass.core.signature import Field
from aimass.prepare.affine import Decoded
from aimass.prepare.base import Fitted
from aimass.prepare.graph import compiled
from aimass.prepare.image import Image
from aimass.train import tier as tiers
from aimass.train.data import Split, open_split
from aimass.train.source import Source
from aimass.train.tier import choose_tier, free_memory

CPU = torch.device("cpu")
HOST = ("memory", "mapped")


class Operators(TorchDispatchMode):
    """Counts what torch is asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def images(rows: int, shape: tuple[int, int, int] = (6, 5, 3)) -> tuple[Split, np.ndarray]:
    """A split of images kept as bytes, and what the ONNX graph makes of them."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (rows, *shape), dtype=np.uint8)
    fitted = Fitted(Field("p", "uint8", shape, kind="image", sent="image"),
                    {"offset": [72.94, 33.3, 128.1], "spread": [90.02, 7.0, 51.7]})  # fmt: skip
    model, tensors = compiled([(Image, fitted)])
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    affine = Image.as_bytes([fitted])["x.image.p"][1]
    raw = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    split = Split((tensors[0].name,), (Decoded(raw, affine),), random.integers(0, 3, rows))
    return split, session.run(None, {"p": pixels})[0]


@pytest.mark.parametrize("tier", HOST)
@pytest.mark.parametrize("kind", ["numbers", "categories", "words", "image"])
def test_a_batch_is_the_rows_of_the_split(make_examples, kind: str, tier: str) -> None:
    split = open_split(make_examples("multiclass", kind, rows=(60, 5, 5)), "train")
    source = Source(split, tier, CPU)
    rows = torch.tensor([7, 3, 59, 0, 3])
    batch = source.fetch(rows)
    assert len(source) == 60
    assert torch.equal(batch.tensors[0], torch.from_numpy(np.array(split.tensors[0])[rows]))
    assert torch.equal(batch.target, torch.from_numpy(split.target[rows]))
    assert torch.equal(batch.rows, rows)
    assert torch.equal(source.target(), torch.from_numpy(np.array(split.target)))


@pytest.mark.parametrize("tier", HOST)
def test_images_kept_as_bytes_come_out_with_the_bits_of_the_graph(tier: str) -> None:
    split, expected = images(300)
    rows = torch.randperm(300, generator=torch.Generator().manual_seed(0))
    found = Source(split, tier, CPU).fetch(rows).tensors[0]
    assert found.dtype == torch.float32
    assert found.numpy().tobytes() == expected[rows].tobytes()


def test_a_fetch_is_one_gather_a_tensor_and_as_many_operators_for_any_number_of_rows() -> None:
    source = Source(images(300)[0], "memory", CPU)
    counts = []
    for rows in (1, 10, 300):
        with Operators() as seen:
            source.fetch(torch.arange(rows))
        counts.append(seen.counts)
    assert counts[0] == counts[1] == counts[2]
    assert counts[0]["index_select"] == 2  # the image and the target
    assert sum(counts[0].values()) <= 8


def test_copies_of_a_row_lie_where_the_row_lies() -> None:
    source = Source.of_tensors((torch.arange(10.0),), torch.arange(10), "memory", CPU)
    batch = source.fetch(torch.tensor([3, 13, 23]))
    assert batch.tensors[0].tolist() == [3, 3, 3]
    assert batch.rows.tolist() == [3, 13, 23]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.uint8, torch.bool, torch.int32, torch.complex64])
def test_tensors_of_a_users_own_are_used_where_they_are(dtype: torch.dtype) -> None:
    tensor, target = torch.arange(24).reshape(6, 4).to(dtype), torch.rand(6)
    source = Source.of_tensors((tensor,), target, "memory", CPU)
    assert source.host[0].raw.data_ptr() == tensor.data_ptr()
    assert torch.equal(source.fetch(torch.tensor([5, 1])).tensors[0], tensor[[5, 1]])
    assert source.bytes == tensor.numel() * tensor.element_size() + 24


def test_files_are_mapped_and_not_copied_in_either_tier(make_examples) -> None:
    split = open_split(make_examples("binary", "numbers"), "train")
    for tier in HOST:
        source = Source(split, tier, CPU)
        assert source.host[0].raw.data_ptr() == split.tensors[0].ctypes.data
        assert source.bytes == 400 * (4 * 4 + 8)


def test_a_source_goes_to_another_tier_and_stays_the_same_rows(make_examples) -> None:
    source = Source(open_split(make_examples("binary", "numbers"), "train"), "memory", CPU)
    assert source.at("memory") is source
    other = source.at("mapped")
    assert (other.tier, source.tier) == ("mapped", "memory")
    rows = torch.tensor([5, 300])
    assert torch.equal(other.fetch(rows).tensors[0], source.fetch(rows).tensors[0])


def test_a_split_without_rows_is_a_source_without_rows(make_examples) -> None:
    source = Source(open_split(make_examples("binary", "numbers", rows=(10, 0, 5)), "valid"), "auto", CPU)
    assert (len(source), source.bytes) == (0, 0)
    assert source.target().shape == (0,)


# -- where rows go ---------------------------------------------------------------------------------------------


def test_rows_go_to_memory_when_they_take_less_than_half_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "free_memory", lambda: 1000)
    assert [choose_tier(size, CPU) for size in (0, 499, 500, 2000)] == ["memory", "memory", "mapped", "mapped"]


def test_rows_go_to_the_device_when_they_take_less_than_four_tenths_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "free_memory", lambda: 1000)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 200))
    cuda = torch.device("cuda")
    assert [choose_tier(size, cuda) for size in (39, 40, 500)] == ["device", "memory", "mapped"]


def test_a_container_may_allow_less_than_the_machine_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 5000 kB\n")
    monkeypatch.setattr(tiers, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(tiers, "CGROUP", tmp_path)
    assert free_memory() == 5000 * 1024
    for name, text in (("current", "900000"), ("stat", "anon 500000\nfile 400000"), ("max", "max")):
        (tmp_path / f"memory.{name}").write_text(text)
    assert free_memory() == 5000 * 1024
    (tmp_path / "memory.max").write_text("2000000")
    assert free_memory() == 2000000 - 900000 + 400000
