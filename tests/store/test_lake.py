"""The lake: versions of Delta tables, one writer at a time, and rows that need not lie on this disk."""

from __future__ import annotations

import uuid
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from aimass.core.canonical import digest_of_file
from aimass.core.errors import StoreError
from aimass.store.lake import Commit, LakeTable, Part, batches, on_disk

SCHEMA = pa.schema([("a", pa.int64())])


def told(number: int, source: str = "s") -> Commit:
    return Commit(source=source, number=number, cursor=number, rows=number + 1, malformed=0, content=str(number))


class Writer:
    """Commits one row a time."""

    def __init__(self, root: Path) -> None:
        self.root, self.table = root, LakeTable(str(root / "lake" / "t"))

    def write(self, number: int, value: int, *, overwrite: bool = False, source: str = "s") -> Commit:
        path = self.root / f"{uuid.uuid4()}.parquet"
        pq.write_table(pa.table({"a": [value]}), path)
        return self.table.commit(
            [Part(path, 1, digest_of_file(path))], SCHEMA, told(number, source), overwrite=overwrite
        )

    def read(self, version: int | None = None) -> list[int]:
        last = self.table.last(version)
        assert last is not None
        return [row["a"] for row in self.table.at(last.version, ["a"]).to_table().to_pylist()]


def test_a_table_that_is_not_there_has_no_last_commit(tmp_path: Path) -> None:
    assert Writer(tmp_path).table.last() is None


def test_a_commit_is_found_again_with_its_version(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert [writer.write(i, i).version for i in range(3)] == [0, 1, 2]
    last = Writer(tmp_path).table.last()
    assert last is not None
    assert last.as_json() == told(2).as_json()
    assert (last.version, writer.read(), writer.read(1)) == (2, [0, 1, 2], [0, 1])


@pytest.mark.parametrize("overwrite", [False, True], ids=["append", "overwrite"])
@pytest.mark.parametrize("other", ["s", "another source"])
def test_without_a_lock_the_slower_of_two_writers_is_refused(tmp_path: Path, overwrite: bool, other: str) -> None:
    quick, slow = Writer(tmp_path), Writer(tmp_path)
    quick.write(0, 0)
    for writer in (quick, slow):
        assert writer.table.last() is not None
    quick.write(1, 1)
    with pytest.raises(StoreError, match="another program"):
        slow.write(1, 11, overwrite=overwrite, source=other)
    with pytest.raises(StoreError, match="another program"):  # also when it looks at the table afresh
        Writer(tmp_path).write(1, 12, overwrite=overwrite, source=other)
    assert quick.read() == [0, 1]


def test_two_writers_that_create_a_table_at_once_make_it_once(tmp_path: Path) -> None:
    Writer(tmp_path).write(0, 0)
    with pytest.raises(StoreError, match="another program"):
        Writer(tmp_path).write(0, 1)
    assert Writer(tmp_path).read() == [0]


def test_a_replaced_version_stays_readable(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.write(0, 0)
    writer.write(1, 9, overwrite=True)
    assert (writer.read(), writer.read(0)) == ([9], [0])


def test_a_foreign_delta_table_is_not_written_to(tmp_path: Path) -> None:
    from deltalake import write_deltalake

    write_deltalake(str(tmp_path / "lake" / "t"), pa.table({"a": [1]}))
    with pytest.raises(StoreError, match="not written by a collector"):
        Writer(tmp_path).table.last()


def test_a_version_or_file_that_is_gone_is_named(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.write(0, 0)
    with pytest.raises(StoreError, match="at version 7"):
        writer.table.at(7, ["a"])
    next((tmp_path / "lake" / "t").glob("*.parquet")).unlink()
    with pytest.raises(StoreError, match="lost 1 of 1 files"):
        writer.table.at(0, ["a"])


def test_rows_in_another_file_system_are_copied_to_this_disk_and_local_ones_are_not(tmp_path: Path) -> None:
    memory, name = fsspec.filesystem("memory"), f"/lake-{uuid.uuid4()}.parquet"
    with memory.open(name, "wb") as file:
        pq.write_table(pa.table({"a": [3, 1, 2]}), file)
    remote = ds.dataset([name], format="parquet", filesystem=memory)
    local = on_disk(remote, tmp_path / "copy.parquet")
    assert local.files == [str(tmp_path / "copy.parquet")]
    assert local.to_table() == pa.table({"a": [3, 1, 2]})
    assert on_disk(local, tmp_path / "never.parquet") is local
    assert not (tmp_path / "never.parquet").exists()


def test_batches_keep_the_order_of_rows_over_files(tmp_path: Path) -> None:
    for i in range(3):
        pq.write_table(pa.table({"a": range(i * 1000, i * 1000 + 1000)}), tmp_path / f"{i}.parquet", row_group_size=100)
    rows = ds.dataset([str(tmp_path / f"{i}.parquet") for i in range(3)], format="parquet")
    assert [a for batch in batches(rows) for a in batch["a"].to_pylist()] == list(range(3000))
