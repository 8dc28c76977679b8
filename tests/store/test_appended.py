"""Tables that several append to: nothing lost, nothing twice, whoever writes at the same time, or is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from aimass.core.errors import StoreError
from aimass.store import appended
from aimass.store.appended import Appended, added, numbers, opened, rows_of

SCHEMA = pa.schema([("at", pa.timestamp("us", "UTC")), ("n", pa.int64()), ("word", pa.string())])
NOW = datetime(2026, 1, 1, tzinfo=UTC)

WRITER = """
import sys, itertools
from datetime import datetime, UTC
from pathlib import Path
import pyarrow as pa
from aimass.store.appended import Appended
folder, first, count, column = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
fields = [("at", pa.timestamp("us", "UTC")), ("n", pa.int64()), ("word", pa.string())]
fields += [(column, pa.int64())] if column else []
table = Appended(folder, pa.schema(fields))
for n in range(first, first + count):
    values = [[datetime(2026, 1, 1, tzinfo=UTC)] * 2, [n, n], ["a", None], *([[1, 1]] if column else [])]
    table.append(pa.table(values, schema=pa.schema(fields)))
    print(n, flush=True)
"""


def rows(*ns: int, **more: pa.Array) -> pa.Table:
    made = pa.table([[NOW] * len(ns), list(ns), ["a"] * len(ns)], schema=SCHEMA)
    for name, values in more.items():
        made = made.append_column(name, values)
    return made


def writing(folder: Path, first: int, count: int, column: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(first), str(count), column]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def found(folder: Path, number: int = 1) -> list[int]:
    return sorted(rows_of(opened(folder / str(number))).to_table(columns=["n"])["n"].to_pylist())


def test_several_processes_append_to_one_table_also_when_they_bring_columns(tmp_path: Path) -> None:
    writers = [writing(tmp_path, 100 * i, 20, column) for i, column in enumerate(["", "extra", "other"])]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert numbers(tmp_path) == [1]
    assert found(tmp_path) == sorted(100 * i + n for i in range(3) for n in range(20) for _ in range(2))
    names = rows_of(opened(tmp_path / "1")).schema.names
    assert {"extra", "other"} < set(names)


def test_a_writer_that_is_killed_leaves_whole_appends_and_a_table_that_goes_on(tmp_path: Path) -> None:
    for i in range(3):
        writer = writing(tmp_path, 1000 * i, 1000)
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(3 + i)]
        writer.send_signal(signal.SIGKILL)
        said += [int(line) for line in writer.communicate()[0].split()]
        counted = {n: found(tmp_path).count(n) for n in said}
        assert set(counted.values()) == {2}
        unsaid = [n for n in found(tmp_path) if n >= 1000 * i and n not in counted]
        assert len(unsaid) in (0, 2), "at most the append that was under way"


def test_a_table_asks_for_nothing_that_old_readers_do_not_know(tmp_path: Path) -> None:
    place = Appended(tmp_path, SCHEMA).append(rows(1))
    protocol = DeltaTable(str(place)).protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)


def test_a_new_column_is_added_and_another_type_begins_the_next_table(tmp_path: Path) -> None:
    Appended(tmp_path, SCHEMA).append(rows(1))
    wider = rows(2, price=pa.array([1.5]))
    assert Appended(tmp_path, wider.schema).append(wider).name == "1"
    told = rows_of(opened(tmp_path / "1")).to_table().sort_by("n")
    assert told["price"].to_pylist() == [None, 1.5]
    other = rows(3, price=pa.array(["cheap"]))
    assert Appended(tmp_path, other.schema).append(other).name == "2"
    assert Appended(tmp_path, SCHEMA).append(rows(4)).name == "2"  # agrees with both
    assert Appended(tmp_path, wider.schema).append(wider).name == "1"  # an older version is served again
    assert (found(tmp_path, 1), found(tmp_path, 2)) == ([1, 2, 2], [3, 4])


def test_small_files_become_one_and_what_was_added_is_still_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appended, "TIDY", 4)
    writer = Appended(tmp_path, SCHEMA)
    seen: list[int] = []
    since = -1
    for n in range(15):
        writer.append(rows(n))
        writer.tidy()
        if n % 5 == 4:
            table = opened(tmp_path / "1")
            files = added(table, since)
            assert files is not None
            seen += rows_of(table, files).to_table()["n"].to_pylist()
            since = table.version()
    assert seen == list(range(15)) == found(tmp_path)
    assert len(opened(tmp_path / "1").file_uris()) < 8


def test_what_cannot_be_told_any_more_is_said(tmp_path: Path) -> None:
    writer = Appended(tmp_path, SCHEMA)
    for n in range(3):
        place = writer.append(rows(n))
    table = opened(place)
    assert len(added(table, 0) or []) == 2
    assert added(table, 9) is None  # a younger table than this one
    (place / "_delta_log" / f"{1:020}.json").unlink()
    assert added(table, 0) is None


def test_rows_leave_after_their_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appended, "TIDY", 2)
    writer = Appended(tmp_path, SCHEMA)
    writer.append(rows(1))
    writer.append(pa.table([[datetime.now(UTC)], [2], ["b"]], schema=SCHEMA))
    before = opened(tmp_path / "1").version()
    writer.append(pa.table([[datetime.now(UTC)], [3], ["b"]], schema=SCHEMA))
    writer.tidy(keep_days=1, column="at")
    assert found(tmp_path) == [2, 3]
    table = opened(tmp_path / "1")
    assert rows_of(table, added(table, before)).to_table()["n"].to_pylist() == [3]  # what was copied is not new


@pytest.mark.parametrize(
    "error", [OSError("no space"), DeltaError("no rights"), CommitFailedError("another was first")]
)
def test_a_table_that_cannot_be_tidied_has_its_rows_once(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(appended, "TIDY", 2)
    monkeypatch.setattr(DeltaTable, "vacuum", fails)
    writer = Appended(tmp_path, SCHEMA)
    for n in range(6):
        writer.append(rows(n))
        writer.tidy()
    assert found(tmp_path) == list(range(6))
    assert isinstance(error, CommitFailedError) or str(error) in caplog.text


def test_a_table_that_is_damaged_is_an_error_that_says_so(tmp_path: Path) -> None:
    place = Appended(tmp_path, SCHEMA).append(rows(1))
    (place / "_delta_log" / f"{0:020}.json").write_text("{" + json.dumps("x"))
    with pytest.raises(StoreError, match="cannot be written"):
        Appended(tmp_path, SCHEMA).append(rows(2))
    with pytest.raises(StoreError, match="cannot be read"):
        opened(place)


def test_a_folder_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Appended(tmp_path / "file" / "table", SCHEMA).append(rows(1))
