"""The contract every collector keeps: nothing new is nothing done, new rows are added, changed ones replace."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from aimass.core.artifact import Dataset
from aimass.core.part import table_of
from aimass.core.signature import Field, Signature
from aimass.serve.log import Entry
from aimass.serve.logged import Columns
from aimass.store.appended import Appended
from tests.collect.hand import collected, facts, rows, table

Pairs = list[tuple[int, str]]
FIRST: Pairs = [(1, "one"), (2, "zwei"), (3, "três")]
MORE: Pairs = [(4, "vier"), (5, "fünf")]
OTHER: Pairs = [(7, "seven"), (8, "acht")]


class Csv:
    """Files in a folder, found by a pattern; `add` makes one more."""

    use, ending = "csv", "csv"

    def __init__(self, folder: Path) -> None:
        self.folder, self.parts = folder, 0
        folder.mkdir(parents=True, exist_ok=True)

    def settings(self) -> dict[str, Any]:
        return {"use": self.use, "path": f"{self.folder}/*.{self.ending}"}

    def add(self, pairs: Pairs) -> None:
        self.write(self.folder / f"part-{self.parts}.{self.ending}", pairs)
        self.parts += 1

    def change(self, pairs: Pairs) -> None:
        """The source as a whole becomes PAIRS."""
        for file in self.folder.iterdir():
            file.unlink()
        self.parts = 0
        self.add(pairs)

    def write(self, path: Path, pairs: Pairs) -> None:
        path.write_text("id,word\n" + "".join(f"{i},{w}\n" for i, w in pairs), encoding="utf-8")

    def read(self, root: Path, dataset: Dataset) -> Pairs:
        return [(int(row["id"]), row["word"]) for row in rows(root, dataset)]


class Parquet(Csv):
    use, ending = "parquet", "parquet"

    def write(self, path: Path, pairs: Pairs) -> None:
        pq.write_table(pa.table({"id": [i for i, _ in pairs], "word": [w for _, w in pairs]}), path)


class JsonLines(Csv):
    use, ending = "jsonl", "jsonl"

    def write(self, path: Path, pairs: Pairs) -> None:
        path.write_text("".join(json.dumps({"id": i, "word": w}) + "\n" for i, w in pairs), encoding="utf-8")


class JsonList(JsonLines):
    ending = "json.gz"

    def write(self, path: Path, pairs: Pairs) -> None:
        path.write_bytes(gzip.compress(json.dumps([{"id": i, "word": w} for i, w in pairs]).encode()))


class Folder(Csv):
    """The first pixel is the id; the folder is the word."""

    use = "images"

    def settings(self) -> dict[str, Any]:
        return {"use": "images", "path": str(self.folder)}

    def add(self, pairs: Pairs) -> None:
        for i, word in pairs:
            (self.folder / word).mkdir(exist_ok=True)
            Image.fromarray(np.full((3, 2), i, np.uint8)).save(self.folder / word / f"{i}.png")

    def change(self, pairs: Pairs) -> None:
        for file in self.folder.glob("*/*.png"):
            file.unlink()
        self.add(pairs)

    def read(self, root: Path, dataset: Dataset) -> Pairs:
        assert next(c for c in facts(dataset)["columns"] if c["name"] == "image")["shape"] == [3, 2, 1]
        return sorted((row["image"][0], row["label"]) for row in rows(root, dataset))


class Idx(Folder):
    """The format of MNIST; the names of the classes are given."""

    words = sorted({w for _, w in FIRST + MORE + OTHER})

    def settings(self) -> dict[str, Any]:
        return super().settings() | {"classes": self.words}

    def add(self, pairs: Pairs) -> None:
        pixels = np.stack([np.full((3, 2), i, np.uint8) for i, _ in pairs])
        labels = bytes(self.words.index(w) for _, w in pairs)
        stem = f"{self.folder}/part{self.parts}"
        Path(f"{stem}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, *pixels.shape) + pixels.tobytes())
        Path(f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, len(labels)) + labels)
        self.parts += 1

    change = Csv.change


class Sql(Csv):
    """A table whose ids only grow."""

    order = "id"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.file = folder / "shop.db"
        with sqlite3.connect(self.file) as db:
            db.execute("CREATE TABLE words (id INTEGER, word TEXT)")

    def settings(self) -> dict[str, Any]:
        order = {"order": self.order} if self.order else {}
        return {"use": "sql", "url": f"sqlite:///{self.file}", "query": "SELECT id, word FROM words"} | order

    def add(self, pairs: Pairs) -> None:
        with sqlite3.connect(self.file) as db:
            db.executemany("INSERT INTO words VALUES (?, ?)", pairs)

    def change(self, pairs: Pairs) -> None:
        with sqlite3.connect(self.file) as db:
            db.execute("DELETE FROM words")
        self.add(pairs)


class WholeSql(Sql):
    order = ""


class ByCall(Csv):
    """A generator with a cursor over a list that grows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.file, self.known = folder / "list.json", list[dict[str, Any]]()

    def settings(self) -> dict[str, Any]:
        return {"use": "python", "call": "tests.collect.guests:listed", "arguments": {"path": str(self.file)}}

    def add(self, pairs: Pairs) -> None:
        self.known += [{"id": i, "word": w} for i, w in pairs]
        self.file.write_text(json.dumps(self.known), encoding="utf-8")

    def change(self, pairs: Pairs) -> None:
        self.known = [{"id": i, "word": w, "again": True} for i, w in pairs]
        self.add([])


class ByPath(ByCall):
    def settings(self) -> dict[str, Any]:
        return {"use": "tests.collect.guests:listed", "path": str(self.file)}


class ByEntryPoint(ByCall):
    """Installed as another package would be: by its metadata alone."""

    def settings(self) -> dict[str, Any]:
        return {"use": "listed", "path": str(self.file)}


class Predictions(Csv):
    """What servers logged of a model that takes an id and a word."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "m")
        rows = (Field("id", "int64"), Field("word", "string"))
        self.columns = Columns(Signature("regression", "y", rows, (), (Field("value", "float32"),)), "m", "1")

    use = "predictions"

    def settings(self) -> dict[str, Any]:
        return {"use": "predictions", "path": str(self.folder)}

    def add(self, pairs: Pairs) -> None:
        ids, words = np.array([i for i, _ in pairs]), np.array([w for _, w in pairs], object)
        answers = {"value": np.zeros(len(pairs), np.float32)}
        entry = Entry(0.0, "b", [("r", len(pairs), True)], {"id": ids, "word": words}, answers)
        Appended(self.folder, self.columns.schema).append(self.columns.of([entry]))

    def change(self, pairs: Pairs) -> None:
        shutil.rmtree(self.folder)
        self.add(pairs)


SOURCES = [Csv, Parquet, JsonLines, JsonList, Folder, Idx, Sql, WholeSql, ByCall, ByPath, ByEntryPoint, Predictions]


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "site" / "third_party-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[aimass.collector]\nlisted = tests.collect.guests:listed\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))


@pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.__name__)
class TestEveryCollector:
    @pytest.fixture
    def source(self, kind: type[Csv], tmp_path: Path) -> Csv:
        made = kind(tmp_path / "source")
        made.add(FIRST)
        return made

    def test_every_row_comes_back_in_order(self, source: Csv, tmp_path: Path) -> None:
        dataset = collected(tmp_path, source.settings())
        assert source.read(tmp_path, dataset) == FIRST
        told = facts(dataset)
        assert (told["rows"], told["malformed"], told["table"]) == (3, 0, "t")
        assert [c["name"] for c in told["columns"]] == table(tmp_path, dataset).column_names

    def test_the_same_source_twice_gives_the_previous_dataset(self, source: Csv, tmp_path: Path) -> None:
        first = collected(tmp_path, source.settings())
        assert collected(tmp_path, source.settings(), first) is first

    def test_new_rows_are_added_and_the_pinned_version_stays_readable(self, source: Csv, tmp_path: Path) -> None:
        first = collected(tmp_path, source.settings())
        source.add(MORE)
        second = collected(tmp_path, source.settings(), first)
        assert source.read(tmp_path, second) == FIRST + MORE
        assert facts(second)["version"] > facts(first)["version"]
        assert source.read(tmp_path, first) == FIRST
        assert collected(tmp_path, source.settings(), second) is second

    def test_a_changed_source_replaces_its_rows(self, source: Csv, tmp_path: Path) -> None:
        growing = isinstance(source, Sql) and source.order  # only rows behind the last id are looked at
        first = collected(tmp_path, source.settings())
        source.change(OTHER)
        second = collected(tmp_path, source.settings(), first)
        assert source.read(tmp_path, second) == (FIRST + OTHER if growing else OTHER)
        assert facts(second)["rows"] == (5 if growing else 2)
        assert source.read(tmp_path, first) == FIRST

    def test_two_fresh_workspaces_give_the_same_digest(self, source: Csv, tmp_path: Path) -> None:
        one, two = (collected(tmp_path / name, source.settings()) for name in ("one", "two"))
        assert one.digest == two.digest

    def test_equal_rows_have_equal_content_wherever_they_lie(
        self, source: Csv, kind: type[Csv], tmp_path: Path
    ) -> None:
        elsewhere = kind(tmp_path / "elsewhere")
        elsewhere.add(FIRST)
        one, two = (collected(tmp_path / s.folder.name, s.settings()) for s in (source, elsewhere))
        assert facts(one)["content"] == facts(two)["content"]
        elsewhere.add(MORE)
        assert facts(collected(tmp_path / "elsewhere", elsewhere.settings()))["content"] != facts(one)["content"]

    def test_another_source_under_the_same_name_replaces_the_rows(
        self, source: Csv, kind: type[Csv], tmp_path: Path
    ) -> None:
        first = collected(tmp_path, source.settings())
        elsewhere = kind(tmp_path / "elsewhere")
        elsewhere.add(OTHER)
        assert source.read(tmp_path, collected(tmp_path, elsewhere.settings(), first)) == OTHER


def test_every_collector_of_the_table_is_held_to_the_contract() -> None:
    assert {kind.use for kind in SOURCES if kind not in (Sql, WholeSql, ByCall, ByPath, ByEntryPoint)} == (
        set(table_of("collector")) - {"sql", "python", "listed"}
    )
