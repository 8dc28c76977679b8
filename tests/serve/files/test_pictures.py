"""Pictures in bulk: a folder of them, or a column of Parquet or JSON lines."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.serve.files.conftest import held, write_jsonl
from tests.serve.files.test_predict import read
from tests.serve.test_images import PIXELS, SHAPE, VALUE, packed, write_brightness

import aimass
from aimass.collect.endings import source_of
from aimass.core.artifact import Report
from aimass.core.errors import InputError
from aimass.runner.workspace import Workspace

VALUES = [VALUE + i for i in range(5)]


@pytest.fixture
def predict(tmp_path: Path) -> Callable[..., Report]:
    place = Workspace(tmp_path / "w")
    held(place, write_brightness(tmp_path / "model"), "brightness")

    def made(path: Path, to: Path, **more: Any) -> Report:
        return aimass.predict("brightness", workspace=place, source=source_of(str(path)), to=str(to), **more)

    return made


def answers(path: Path) -> list[float]:
    return [row["value"] for row in map(json.loads, path.read_text().splitlines())]


def pictures(folder: Path) -> Path:
    for i in range(5):
        (folder / "deep").mkdir(parents=True, exist_ok=True)
        (folder / "deep" / f"{i}.png").write_bytes(packed(PIXELS + i))
    return folder


def test_each_picture_of_a_folder_is_a_row_with_the_name_of_its_file(predict, tmp_path: Path) -> None:
    predict(pictures(tmp_path / "in"), tmp_path / "out.jsonl", batch_rows=2)
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert found == [{"file": f"deep/{i}.png", "value": value} for i, value in enumerate(VALUES)]


def test_bad_pictures_are_set_aside_and_others_scaled_when_asked_for(predict, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in")
    (folder / "large.png").write_bytes(packed(np.full((40, 30, 1), 80, np.uint8)))
    (folder / "half.jpg").write_bytes(packed(kind="JPEG")[:30])
    with pytest.raises(InputError, match=r"in: field 'image' is a damaged picture|half"):
        predict(folder, tmp_path / "out.jsonl", resize=True)
    bad = tmp_path / "bad.jsonl"
    assert predict(folder, tmp_path / "a.jsonl", bad_rows=str(bad)).facts == {"rows": 5, "bad": 2}
    assert [json.loads(line)["row"]["file"] for line in bad.read_text().splitlines()] == ["half.jpg", "large.png"]
    predict(folder, tmp_path / "b.jsonl", bad_rows=str(bad), resize=True, force=True)
    assert answers(tmp_path / "b.jsonl") == [*VALUES, 80]


def test_parquet_holds_pixels_or_packed_pictures(predict, tmp_path: Path) -> None:
    mixed = [(PIXELS + i).tobytes() if i % 2 else packed(PIXELS + i) for i in range(5)]
    pq.write_table(pa.table({"image": mixed, "id": range(5)}), tmp_path / "in.parquet")
    predict(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    assert answers(tmp_path / "out.jsonl") == VALUES
    predict(tmp_path / "in.parquet", tmp_path / "kept.parquet", keep=["id", "image"])
    assert pq.read_table(tmp_path / "kept.parquet")["image"].to_pylist() == mixed
    with pytest.raises(InputError, match="holds bytes"):
        predict(tmp_path / "in.parquet", tmp_path / "out.csv", keep=["image"])
    nested = pa.array([(PIXELS + i).tolist() for i in range(5)])
    pq.write_table(pa.table({"image": nested}), tmp_path / "lists.parquet")
    predict(tmp_path / "lists.parquet", tmp_path / "lists.jsonl", keep=[])
    assert answers(tmp_path / "lists.jsonl") == VALUES


def test_json_lines_hold_pixels_or_base64(predict, tmp_path: Path) -> None:
    packs = [{"b64": base64.b64encode(packed(PIXELS + i)).decode()} for i in range(4)]
    records = [{"image": image} for image in [*packs, (PIXELS + 4).tolist(), {"b64": "AAAA"}]]
    predict(
        write_jsonl(tmp_path / "in.jsonl", records),
        tmp_path / "out.jsonl",
        keep=[],
        bad_rows=str(tmp_path / "bad.jsonl"),
    )
    assert answers(tmp_path / "out.jsonl") == VALUES
    assert "not a picture" in read(tmp_path / "bad.jsonl")[0]["reason"]


def test_csv_and_models_of_more_than_a_picture_are_refused(predict, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("image\nx\n")
    with pytest.raises(InputError, match="which CSV cannot hold"):
        predict(tmp_path / "in.csv", tmp_path / "out.csv")
    place = Workspace(tmp_path / "w2")
    held(place, write_brightness(tmp_path / "two", weighted=True), "two")
    source = {"use": "images", "path": str(pictures(tmp_path / "in"))}
    with pytest.raises(InputError, match="the model takes image, weight"):
        aimass.predict("two", workspace=place, source=source, to=str(tmp_path / "out.csv"))


def test_the_size_of_a_block_is_bounded_by_the_pixels_of_its_rows(predict, tmp_path: Path, monkeypatch) -> None:
    from aimass.serve.files import parquet

    monkeypatch.setattr(parquet, "HEAVY", 3 * int(np.prod(SHAPE)))
    taken: list[int] = []
    inner = parquet.ParquetBlock.tensors
    monkeypatch.setattr(parquet.ParquetBlock, "tensors", lambda self, f: (taken.append(len(self)), inner(self, f))[1])
    pq.write_table(pa.table({"image": [(PIXELS + i).tobytes() for i in range(5)]}), tmp_path / "in.parquet")
    predict(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    assert max(taken) <= 3 and sum(taken) == 5
