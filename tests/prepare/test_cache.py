"""Tensors kept as bytes: a quarter of the disk, the bits of the graph, and nobody who reads them notices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.core.errors import InputError
from aimass.prepare.affine import Affine, Decoded
from aimass.prepare.base import Fitted
from aimass.prepare.cache import CacheWriter, read_split
from aimass.prepare.graph import Graph
from aimass.prepare.image import Image
from aimass.prepare.tables import from_arrow
from tests.prepare.by_hand import SHAPE, run_prepare, write_dataset

NAME = "x.image.picture"


def pictures(rows: int) -> pa.Table:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, SHAPE, dtype=np.uint8).tobytes() for _ in range(rows)]
    return pa.table({"picture": pa.array(images, pa.binary()), "answer": pa.array(["a", "b"] * (rows // 2))})


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("images")
    return run_prepare(folder / "out", write_dataset(folder / "in", pictures(200)), target="answer",
                       columns={"picture": "image"})  # fmt: skip


def test_an_image_takes_a_byte_a_pixel(prepared) -> None:
    height, width, channels = SHAPE
    about = prepared.read_json("cache.json")["splits"]["test"][NAME]
    assert (about["dtype"], about["shape"][1:]) == ("uint8", [channels, height, width])
    size = (prepared.folder / "cache" / "test" / f"{NAME}.bin").stat().st_size
    assert size == about["shape"][0] * height * width * channels


def test_read_split_gives_the_bits_of_the_graph(prepared) -> None:
    raw = from_arrow(pq.read_table(prepared.folder / "test.parquet"), prepared.signature.rows)
    fresh = Graph(prepared.folder / "graph.onnx")(raw)[NAME]
    cached = read_split(prepared.folder, "test")[NAME]
    assert (cached.dtype, cached.shape, len(cached)) == (fresh.dtype, fresh.shape, len(fresh))
    assert np.asarray(cached).tobytes() == fresh.tobytes()
    assert cached[3:5].tobytes() == fresh[3:5].tobytes()


def test_every_pixel_value_has_the_bits_of_the_formula() -> None:
    """(float(pixel) - mean) * (1 / std), each step in float32."""
    affine = Affine((72.94, 33.3), tuple(float(np.float32(1) / np.float32(std)) for std in (90.02, 7.0)))
    raw = np.arange(256, dtype=np.uint8).repeat(2).reshape(256, 2, 1)
    for channel, (mean, std) in enumerate(((72.94, 90.02), (33.3, 7.0))):
        one = np.float32(1) / np.float32(std)
        expected = [(np.float32(pixel) - np.float32(mean)) * one for pixel in range(256)]
        assert affine(raw)[:, channel, 0].tobytes() == np.array(expected, np.float32).tobytes()


@settings(max_examples=50, deadline=None)
@given(data=st.data(), rows=st.integers(1, 12))
def test_decoded_rows_are_the_rows_of_what_is_decoded(data: st.DataObject, rows: int) -> None:
    raw = np.random.default_rng(rows).integers(0, 256, (rows, 2, 3), dtype=np.uint8)
    decoded = Decoded(raw, Affine((1.5, 2.0), (0.1, 3.0)))
    places = data.draw(
        st.one_of(
            st.integers(-rows, rows - 1),
            st.slices(rows),
            st.lists(st.integers(0, rows - 1)).map(lambda found: np.array(found, np.int64)),
        )
    )
    assert np.array_equal(decoded[places], np.asarray(decoded)[places])


def test_the_constants_come_back_to_the_last_bit(tmp_path: Path) -> None:
    affine = Affine((float(np.float32(0.1)), 1e-38), (float(np.float32(1) / np.float32(3)), 255.0))
    writer = CacheWriter(tmp_path, {"x": affine})
    writer.write("train", iter([{"x": np.zeros((2, 2, 1), np.uint8), "target": np.zeros(2, np.int64)}]))
    writer.close({})
    found = read_split(tmp_path, "train")
    assert isinstance(found["x"], Decoded)
    assert found["x"].affine == affine
    assert isinstance(found["target"], np.memmap)
    assert set(json.loads((tmp_path / "cache.json").read_text())["splits"]["train"]["target"]) == {"dtype", "shape"}


def test_a_preparer_that_says_another_function_than_its_graph_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(fitted: Sequence[Fitted]) -> dict[str, tuple[str, Affine]]:
        return {NAME: ("picture", Affine((0.0,) * 3, (1.0,) * 3))}

    monkeypatch.setattr(Image, "as_bytes", wrong)
    with pytest.raises(InputError, match="is not what its preparer says"):
        run_prepare(tmp_path / "out", write_dataset(tmp_path / "in", pictures(60)), target="answer",
                    columns={"picture": "image"})  # fmt: skip
