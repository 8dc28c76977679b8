"""Each row is stored once, whatever happens in between, in tables that every Delta reader can open."""

from __future__ import annotations

import hashlib
import importlib
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aimass.collect.base import Collector
from aimass.collect.step import collect
from aimass.core.errors import InputError
from aimass.store.lake import LakeTable
from tests.collect.hand import Hand, collected, facts, log_of, rows

REPOSITORY = Path(__file__).parents[2]
COUNT = 120
CODE = """
import sys
from pathlib import Path
from tests.collect.hand import collected
print("begun", flush=True)
collected(Path(sys.argv[1]), {"use": "tests.collect.guests:numbered", "count": int(sys.argv[2])})
"""
NUMBERED = {"use": "tests.collect.guests:numbered", "count": COUNT}


def started(root: Path, count: int = COUNT) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CODE, str(root), str(count)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def commits(root: Path) -> int:
    return len(list((root / "lake" / "t" / "_delta_log").glob("*.json")))


def numbers(root: Path, dataset: Any) -> list[int]:
    return [int(row["i"]) for row in rows(root, dataset)]


def test_a_killed_collector_stores_every_row_once(tmp_path: Path) -> None:
    chance, seen = random.Random(4), []
    for part in range(1, 5):
        process = started(tmp_path)
        deadline = time.monotonic() + 30
        while commits(tmp_path) < part * COUNT // 6 and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.03)  # anywhere within a commit
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        seen.append(commits(tmp_path))
    assert 0 < seen[0] < seen[1] < seen[2] < seen[3] < COUNT
    dataset = collected(tmp_path, NUMBERED)
    assert numbers(tmp_path, dataset) == list(range(COUNT))
    assert dataset.digest == collected(tmp_path / "unbroken", NUMBERED).digest


def test_two_programs_that_collect_one_table_lose_and_double_nothing(tmp_path: Path) -> None:
    programs = [started(tmp_path, 40), started(tmp_path, 40)]
    assert [program.wait(60) for program in programs] == [0, 0]
    dataset = collected(tmp_path, NUMBERED | {"count": 40})
    assert numbers(tmp_path, dataset) == list(range(40))
    assert facts(dataset)["rows"] == 40


def test_the_cursor_stands_in_the_commit_of_its_rows(tmp_path: Path) -> None:
    collected(tmp_path, NUMBERED | {"count": 3})
    files = sorted((tmp_path / "lake" / "t" / "_delta_log").glob("*.json"))
    for i, file in enumerate(files):
        actions = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        told = json.loads(next(a["commitInfo"]["aimass"] for a in actions if "commitInfo" in a))
        added = [a["add"] for a in actions if "add" in a]
        assert (told["cursor"], told["rows"], len(added)) == (i + 1, i + 1, 1)
        assert [a["txn"]["version"] for a in actions if "txn" in a] == [i]
    assert len(files) == 3


def test_every_table_asks_for_reader_1_and_writer_2_also_after_new_columns_and_a_replacement(tmp_path: Path) -> None:
    growing = {"use": "tests.collect.guests:columns_by_commit", "commits": [["a"], ["a", "b"], ["c"]]}
    dataset = collected(tmp_path, growing)
    assert rows(tmp_path, dataset) == [
        {"a": "0", "b": None, "c": None}, {"a": "1", "b": "1", "c": None}, {"a": None, "b": None, "c": "2"},
    ]  # fmt: skip
    other = collected(tmp_path, {"use": "tests.collect.guests:values"}, dataset)
    assert facts(other)["rows"] == 1
    assert rows(tmp_path, dataset)[1] == {"a": "1", "b": "1", "c": None}
    protocols = [action["protocol"] for action in log_of(tmp_path) if "protocol" in action]
    assert protocols
    assert {(p["minReaderVersion"], p["minWriterVersion"]) for p in protocols} == {(1, 2)}
    assert not any(set(p) - {"minReaderVersion", "minWriterVersion"} for p in protocols)


def test_a_cursor_that_moves_without_rows_is_kept_and_the_dataset_stays(tmp_path: Path) -> None:
    moving = {"use": "tests.collect.guests:moving"}
    first = collected(tmp_path, moving)
    assert collected(tmp_path, moving, first) is first
    assert collected(tmp_path, moving, first) is first
    assert [a["txn"]["version"] for a in log_of(tmp_path) if "txn" in a] == [0, 1, 2]


def test_the_dataset_of_another_table_is_not_taken_for_the_previous_one(tmp_path: Path) -> None:
    words = {"use": "tests.collect.guests:unplaced", "words": ["a"]}
    other = collected(tmp_path, words, name="other")
    dataset = collected(tmp_path, words, other, name="t")
    assert facts(dataset)["table"] == "t"


def test_a_dataset_of_a_table_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    moving = {"use": "tests.collect.guests:moving"}
    first = collected(tmp_path, moving)
    second = collected(tmp_path, moving | {"rows": 3}, first)
    assert facts(second)["version"] == 1
    shutil.rmtree(tmp_path / "lake" / "t")
    again = collected(tmp_path, moving | {"rows": 3}, second)
    assert again is not second
    assert len(rows(tmp_path, again)) == 3


def test_rows_that_replace_others_and_are_none_leave_the_table_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a\n1\n")
    first = collected(tmp_path, {"use": "csv", "path": str(file)})
    file.write_text("a\n")
    with pytest.raises(InputError, match="no rows"):
        collected(tmp_path, {"use": "csv", "path": str(file)}, first)
    with pytest.raises(InputError, match="no rows"):  # another source is not answered with these rows either
        collected(tmp_path, {"use": "tests.collect.guests:unplaced", "words": []}, first)
    assert rows(tmp_path, first) == [{"a": "1"}]
    file.write_text("a\n1\n")
    assert collected(tmp_path, {"use": "csv", "path": str(file)}, first) is first


def test_a_renamed_file_is_read_once_more_and_then_known_by_its_new_name(tmp_path: Path) -> None:
    settings = {"use": "csv", "path": f"{tmp_path}/*.csv"}
    (tmp_path / "a.csv").write_text("a\n1\n")
    first = collected(tmp_path, settings)
    (tmp_path / "a.csv").rename(tmp_path / "b.csv")
    assert collected(tmp_path, settings, first) is first
    last = LakeTable(str(tmp_path / "lake" / "t")).last()
    assert last is not None
    assert [Path(name).name for name in last.cursor] == ["b.csv"]
    assert list(Collector.from_settings(settings).read(last.cursor)) == []
    (tmp_path / "c.csv").write_text("a\n2\n")
    assert rows(tmp_path, collected(tmp_path, settings, first)) == [{"a": "1"}, {"a": "2"}]
    assert len([action for action in log_of(tmp_path) if "remove" in action]) == 0


def test_a_source_file_is_hashed_before_and_after_it_is_read_and_its_rows_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    whole = hashlib.file_digest

    def counted(file: Any, kind: str) -> Any:
        hashed.append(Path(file.name).suffix)
        return whole(file, kind)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    (tmp_path / "a.csv").write_text("a\n1\n")
    collect.body(
        Hand(tmp_path), None, name="t", source=Collector.from_settings({"use": "csv", "path": f"{tmp_path}/a.csv"})
    )
    assert sorted(hashed) == [".csv", ".csv", ".parquet"]


def test_an_edited_collector_is_read_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "edited_collector.py"
    monkeypatch.syspath_prepend(str(tmp_path))
    for word in ("first", "second"):
        module.write_text(f"def read(cursor):\n    yield {{'said': '{word}'}}\n")
        sys.modules.pop("edited_collector", None)
        importlib.invalidate_caches()
        dataset = collected(tmp_path, "edited_collector:read")
    assert facts(dataset)["rows"] == 1
    assert facts(dataset)["version"] == 1
