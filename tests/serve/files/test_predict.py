"""`predict`: a file of rows in, a file of answers out: those of the endpoint, whoever worked and however it ended."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.runner.test_runners import two_node_cluster  # noqa: F401 - a fixture
from tests.serve.conftest import WORD
from tests.serve.files.conftest import rows, write_jsonl

import aimass
from aimass.core.artifact import Report
from aimass.core.errors import InputError, StoreError
from aimass.runner.workspace import Workspace

Predict = Callable[..., Report]
NAMES = ["id", "size", WORD, "seen"]
TYPES = {"id": pa.string(), "size": pa.float64(), WORD: pa.string(), "seen": pa.timestamp("us", "UTC")}
FLAT = ["label", "probability_no", "probability_yes"]


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    """RECORDS in the format of PATH's ending."""
    if path.suffix == ".jsonl":
        return write_jsonl(path, records)
    if path.suffix == ".parquet":
        times = [None if r["seen"] is None else datetime.fromisoformat(r["seen"]) for r in records]
        columns = {name: [r[name] for r in records] for name in NAMES} | {"seen": times}
        pq.write_table(pa.table({n: pa.array(v, TYPES[n]) for n, v in columns.items()}), path)
        return path
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=NAMES)
        writer.writeheader()
        writer.writerows(records)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """What stands in PATH, answers spelled as the endpoint spells them."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".parquet":
        found = pq.read_table(path).to_pylist()
    else:
        with path.open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
    for row in found:
        row["probabilities"] = {name: float(row.pop(f"probability_{name}")) for name in ("no", "yes")}
    return found


def told(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"label": row["label"], "probabilities": row["probabilities"]} for row in found]


@pytest.mark.parametrize("to", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_the_answers_are_those_of_the_endpoint(kind: str, to: str, predict: Predict, answers, tmp_path: Path) -> None:
    records = rows(100)
    report = predict(write(tmp_path / f"in.{kind}", records), tmp_path / f"out.{to}", batch_rows=7)
    found, wanted = read(tmp_path / f"out.{to}"), answers(records)
    assert [row["id"] for row in found] == [row["id"] for row in records]
    for row, answer in zip(told(found), wanted, strict=True):
        assert row["label"] == answer["label"]
        assert row["probabilities"] == pytest.approx(answer["probabilities"], abs=1e-6)
    assert report.facts == {"rows": 100, "bad": 0}


def test_columns_come_out_as_they_came_in(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(
        f'id,size,"{WORD.replace(chr(34), chr(34) * 2)}",seen\n007, 1.50 ,red,2020-01-01\n'
    )
    predict(tmp_path / "in.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("007, 1.50 ,red,2020-01-01,")
    predict(tmp_path / "in.csv", tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.types[:4] == list(TYPES.values())
    assert table.column_names == [*NAMES, *FLAT] and table["size"].to_pylist() == [1.5]


def test_json_lines_keep_values_of_any_kind(predict: Predict, tmp_path: Path) -> None:
    (record,) = rows(1)
    strange = [7, 2**70, "x", None, {"deep": [1]}, [True], 0.5]
    records = [{**record, "id": value} for value in strange]
    path = write_jsonl(tmp_path / "in.jsonl", records)
    predict(path, tmp_path / "out.jsonl")
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == strange
    predict(path, tmp_path / "out.csv")
    assert [row["id"] for row in read(tmp_path / "out.csv")] == [
        "7", str(2**70), "x", "", '{"deep": [1]}', "[true]", "0.5",
    ]  # fmt: skip


def test_only_the_columns_asked_for_are_kept(predict: Predict, tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", rows(3))
    predict(path, tmp_path / "out.csv", keep=["id"], prefix="p_")
    assert (tmp_path / "out.csv").read_text().splitlines()[0] == "id,p_label,p_probability_no,p_probability_yes"
    predict(path, tmp_path / "none.csv", keep=[])
    assert (tmp_path / "none.csv").read_text().splitlines()[0] == ",".join(FLAT)
    with pytest.raises(InputError, match="no column 'idd'; did you mean 'id'"):
        predict(path, tmp_path / "no.csv", keep=["idd"])


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_column_called_like_an_output_is_refused_before_anything_is_read(
    kind: str, predict: Predict, tmp_path: Path
) -> None:
    (record,) = rows(1)
    path = write(tmp_path / f"in.{kind}", [record])
    predict(path, tmp_path / "again.jsonl")
    with pytest.raises(InputError, match="are both called 'label'") as caught:
        predict(tmp_path / "again.jsonl", tmp_path / f"out.{kind}")
    assert "--prefix" in caught.value.todo


@pytest.mark.parametrize("to", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_no_rows_give_an_output_without_rows(kind: str, to: str, predict: Predict, tmp_path: Path) -> None:
    path, out = write(tmp_path / f"in.{kind}", []), tmp_path / f"out.{to}"
    assert predict(path, out).facts == {"rows": 0, "bad": 0}
    assert read(out) == []
    if kind != "jsonl" and to == "parquet":
        assert pq.read_schema(out).names == [*NAMES, *FLAT]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_missing_column_is_named_before_anything_is_read(kind: str, predict: Predict, tmp_path: Path) -> None:
    path = tmp_path / f"in.{kind}"
    table = pa.table({"id": ["a"], "sise": [1.0], WORD: ["x"]})
    pq.write_table(table, path) if kind == "parquet" else path.write_text('id,sise,"x"\na,1,x\n')
    with pytest.raises(InputError, match=r"has no column 'size'; did you mean 'sise'"):
        predict(path, tmp_path / "out.csv")


def test_a_folder_is_read_file_by_file_in_the_order_of_names(predict: Predict, tmp_path: Path) -> None:
    records, folder = rows(30), tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for name, part in (("a.parquet", records[:10]), ("b.parquet", records[10:20]), ("deep/c.parquet", records[20:])):
        write(folder / name, part)
    (folder / "_SUCCESS").write_text("")
    predict(folder, tmp_path / "out.csv", batch_rows=4)
    assert [row["id"] for row in read(tmp_path / "out.csv")] == [row["id"] for row in records]
    (folder / "notes.csv").write_text("x\n")
    with pytest.raises(InputError, match=r"files ending in \.csv, \.parquet"):
        predict(folder, tmp_path / "no.csv")


def test_a_later_file_that_lacks_a_column_ends_it(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.csv", rows(3))
    (tmp_path / "in" / "b.csv").write_text("id,size\n1,2\n")
    with pytest.raises(InputError, match=r"b\.csv has no column"):
        predict(tmp_path / "in", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_packed_files_other_delimiters_encodings_and_words_for_no_value(predict: Predict, tmp_path: Path) -> None:
    head = f'size;"{WORD.replace(chr(34), chr(34) * 2)}";seen\n'
    with gzip.open(tmp_path / "in.csv.gz", "wb") as file:
        file.write((head + "NA;blau ü;?\n;?;\n1;red;2020-01-01\n").encode("latin-1"))
    predict(tmp_path / "in.csv.gz", tmp_path / "out.jsonl", missing=["NA", "?"], source={"encoding": "latin-1"})
    found = read(tmp_path / "out.jsonl")
    assert [row["size"] for row in found] == [None, None, 1.0]
    assert [row[WORD] for row in found] == ["blau ü", None, "red"]


# -- bad rows -----------------------------------------------------------------------------------------------

LINES = ["1,red,2020-01-01", "tall,red,", "1_0,red,", "1,red", "2,red,yesterday", '3,"a\nb",', "4,red,", "5,red,x"]
BAD = {3: "'tall'", 4: "'1_0'", 5: "2 cells instead of 3", 6: "'yesterday'", 10: "'x'"}


def bad_csv(folder: Path) -> Path:
    head = f'size,"{WORD.replace(chr(34), chr(34) * 2)}",seen'
    (folder / "in.csv").write_text("\n".join([head, *LINES]) + "\n")
    return folder / "in.csv"


@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_the_first_bad_row_ends_it_with_file_line_and_reason(batch_rows: int, predict: Predict, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        predict(bad_csv(tmp_path), tmp_path / "out.csv", batch_rows=batch_rows)
    assert f"{tmp_path}/in.csv:3: field 'size' is the text 'tall'" == caught.value.what
    assert "--bad-rows" in caught.value.todo and caught.value.expected == "a number or null"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "w"]


@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_bad_rows_are_set_aside_with_line_and_reason(batch_rows: int, predict: Predict, tmp_path: Path) -> None:
    aside = tmp_path / "bad.jsonl"
    report = predict(bad_csv(tmp_path), tmp_path / "out.csv", bad_rows=str(aside), batch_rows=batch_rows)
    assert report.facts == {"rows": 3, "bad": 5}
    assert [row["size"] for row in read(tmp_path / "out.csv")] == ["1", "3", "4"]
    found = read(aside)
    assert {row["line"]: True for row in found} == dict.fromkeys(BAD, True)
    for row in found:
        assert BAD[row["line"]] in row["reason"] and row["file"].endswith("in.csv") and row["row"]


def test_bad_json_lines_are_set_aside(predict: Predict, tmp_path: Path) -> None:
    (good,) = rows(1)
    half = {**good, WORD: "\ud800"}
    lines = [json.dumps(good), "{", "[1]", "", json.dumps({**good, "size": "1"}), json.dumps({"id": 1}),
             json.dumps(half), json.dumps(good)]  # fmt: skip
    (tmp_path / "in.jsonl").write_bytes("\n".join(lines).encode() + b"\n\xff\n")
    report = predict(tmp_path / "in.jsonl", tmp_path / "out.csv", bad_rows=str(tmp_path / "bad.jsonl"))
    assert report.facts == {"rows": 2, "bad": 6}
    assert [row["line"] for row in read(tmp_path / "bad.jsonl")] == [2, 3, 5, 6, 7, 9]


def test_a_field_that_appears_late_is_a_bad_row_unless_the_fields_are_named(predict: Predict, tmp_path: Path) -> None:
    records = [*rows(1001), {**rows(1)[0], "more": 1}]
    path = write_jsonl(tmp_path / "in.jsonl", records)
    with pytest.raises(InputError, match=r"in\.jsonl:1002: field 'more'"):
        predict(path, tmp_path / "out.csv")
    predict(path, tmp_path / "out.csv", keep=["id", "more"])
    assert [row["more"] for row in read(tmp_path / "out.csv")][-2:] == ["", "1"]


def test_a_parquet_column_of_another_type_is_refused_as_a_whole(predict: Predict, tmp_path: Path) -> None:
    table = pa.table({"size": ["1"], WORD: ["x"], "seen": ["2020-01-01"]})
    pq.write_table(table, tmp_path / "in.parquet")
    with pytest.raises(InputError, match="column 'size' holds string"):
        predict(tmp_path / "in.parquet", tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ('size,a,seen\n1,"open,\n2,b,\n', "never closed"),
        ('size,a,seen\n1,"' + "x" * 200_000, "field larger"),
        ("size,a,seen\n1,\xff,\n".encode("latin-1"), "utf-8"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_on_ends_it(content: str | bytes, says: str, predict, tmp_path: Path) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "in.csv").write_bytes(raw.replace(b",a,", f',"{WORD.replace(chr(34), chr(34) * 2)}",'.encode()))
    with pytest.raises(InputError, match=says):
        predict(tmp_path / "in.csv", tmp_path / "out.csv", bad_rows=str(tmp_path / "bad.jsonl"))
    assert not (tmp_path / "out.csv").exists()


# -- where it is written ------------------------------------------------------------------------------------


def test_a_file_that_exists_is_not_overwritten_without_force(predict: Predict, tmp_path: Path) -> None:
    path, out = write(tmp_path / "in.csv", rows(3)), tmp_path / "out.csv"
    out.write_text("mine")
    with pytest.raises(InputError, match="exists"):
        predict(path, out)
    assert out.read_text() == "mine"
    predict(path, out, force=True)
    assert len(read(out)) == 3
    with pytest.raises(InputError, match="one of the inputs"):
        predict(path, path, force=True)
    with pytest.raises(InputError, match="no way to write"):
        predict(path, tmp_path / "out.xlsx")
    with pytest.raises(InputError, match="folder is not there"):
        predict(path, tmp_path / "no" / "out.csv")


def test_two_programs_do_not_write_one_file(tmp_path: Path) -> None:
    from aimass.serve.files.fresh import fresh

    with fresh(tmp_path / "x"), pytest.raises(StoreError, match="another program"), fresh(tmp_path / "x"):
        pass
    assert (tmp_path / "x").exists()


# -- whoever works ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_two_workers_write_the_same_bytes_as_one(to: str, predict: Predict, tmp_path: Path) -> None:
    records = rows(500)
    records[333]["size"] = "tall"
    path = write_jsonl(tmp_path / "in.jsonl", records)
    for workers in (1, 2):
        report = predict(path, tmp_path / f"{workers}.{to}", batch_rows=5, bad_rows=str(tmp_path / f"{workers}.bad"),
                         needs={"workers": workers})  # fmt: skip
        assert report.facts == {"rows": 499, "bad": 1}
    assert (tmp_path / f"1.{to}").read_bytes() == (tmp_path / f"2.{to}").read_bytes()
    assert (tmp_path / "1.bad").read_bytes() == (tmp_path / "2.bad").read_bytes()


@pytest.mark.usefixtures("two_node_cluster")
def test_ray_writes_the_same_bytes(predict: Predict, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "in.jsonl", rows(200))
    for place in ("inline", "ray"):
        predict(path, tmp_path / f"{place}.parquet", batch_rows=5, on=place)
    assert (tmp_path / "ray.parquet").read_bytes() == (tmp_path / "inline.parquet").read_bytes()


def program(*words: str | Path, workspace: Workspace) -> subprocess.Popen[str]:
    """`aimass predict flights WORDS`, which says at its end how much memory it had at most, in KiB."""
    code = (
        "import resource; from aimass.cli.main import main; main(); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", code, "-w", str(workspace.folder), "predict", "flights", *map(str, words)]
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}  # the others keep what they once had
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_a_kill_leaves_nothing_half_made_and_the_next_run_goes_on(workspace: Workspace, tmp_path: Path) -> None:
    path, out = write_jsonl(tmp_path / "in.jsonl", rows(60_000)), tmp_path / "out.csv"
    words = (path, out, "--batch-rows", "64")
    running = program(*words, workspace=workspace)
    until = time.monotonic() + 60
    while not list(workspace.folder.glob("resume/*/stretches/*.done")):
        assert running.poll() is None and time.monotonic() < until, running.communicate()
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert sorted(p.name for p in tmp_path.iterdir() if not p.is_dir()) == ["in.jsonl"]
    before = len(list(workspace.folder.glob("resume/*/stretches/*.done")))
    again = program(*words, workspace=workspace)
    told, said = again.communicate(timeout=120)
    assert again.returncode == 0, said
    assert told.splitlines()[0] == f"60,000 rows to {out}"
    log = [line["text"] for line in workspace.logs(workspace.runs()[0]["id"])]
    assert log == [f"{before} stretches were done before"]
    whole = program(path, tmp_path / "whole.csv", "--batch-rows", "64", workspace=workspace)
    assert whole.wait(120) == 0
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert list(workspace.folder.glob("resume/*")) == []


def test_stretches_of_a_file_that_changed_are_not_used(predict, workspace, tmp_path: Path, monkeypatch) -> None:
    from aimass.serve.files import fresh

    path = write_jsonl(tmp_path / "in.jsonl", rows(40))
    monkeypatch.setattr(fresh.os, "fsync", lambda *_: (_ for _ in ()).throw(OSError(28, "no space")))
    with pytest.raises(StoreError, match="no space"):
        predict(path, tmp_path / "out.csv")
    assert list(workspace.folder.glob("resume/*/stretches/*.done")) and not (tmp_path / "out.csv").exists()
    monkeypatch.undo()
    write_jsonl(path, rows(3))
    predict(path, tmp_path / "out.csv")
    assert len(read(tmp_path / "out.csv")) == 3


def test_memory_does_not_grow_with_the_file(tmp_path: Path, workspace: Workspace) -> None:
    """The peak of a longer file is higher by less than half of what the file is longer."""
    peaks, sizes = [], []
    for count in (10_000, 60_000):
        path = tmp_path / f"{count}.jsonl"
        with path.open("w") as file:
            for record in rows(count):
                file.write(json.dumps({**record, "note": "x" * 900}) + "\n")
        sizes.append(path.stat().st_size)
        running = program(path, tmp_path / f"{count}.parquet", "--batch-rows", "500", workspace=workspace)
        told, said = running.communicate()
        assert running.returncode == 0, said
        peaks.append(int(told.splitlines()[-1]) * 1024)
    assert peaks[1] - peaks[0] < (sizes[1] - sizes[0]) / 2


# -- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def say(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    from aimass.cli.main import main

    def said(*words: str | Path) -> tuple[int, str, str]:
        try:
            main(["-w", str(workspace.folder), "predict", *map(str, words)])
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
        return (code, *capsys.readouterr())

    return said


def test_the_command_says_what_was_written(say, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    code, told, said = say("flights", bad_csv(tmp_path), out, "--bad-rows", tmp_path / "bad.jsonl", "--keep", "size")
    assert (code, told) == (0, f"3 rows to {out}, 5 bad rows to {tmp_path}/bad.jsonl\n"), said
    code, told, _ = say("flights", tmp_path / "in.csv", out, "--bad-rows", tmp_path / "bad.jsonl", "--force", "--json")
    assert code == 0 and json.loads(told)["facts"] == {"rows": 3, "bad": 5}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("flihgts", "in.csv", "out.csv"), "nothing is called 'flihgts'; did you mean 'flights'"),
        (("flights", "none.csv", "out.csv"), "no file at"),
        (("flights", "in.xyz", "out.csv"), "no collector is known"),
        (("flights", "in.csv", "out.csv", "--set", "delimiter"), "not KEY=VALUE"),
        (("flights", "in.csv", "out.csv", "--set", "delimeter=;"), "did you mean 'delimiter'"),
        (("flights", "in.csv", "out.csv", "--batch-rows", "0"), "0 is not in the range"),
        (("flights", "in.csv", "out.csv", "--on", "moon"), "no runner is called 'moon'"),
    ],
)
def test_a_wrong_command_is_exit_code_2_and_a_sentence(words, says: str, say, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    bad_csv(tmp_path)
    code, told, said = say(*words)
    assert (code, told) == (2, "") and says in said
    assert not os.path.exists("out.csv")  # noqa: PTH110


def test_the_report_says_what_was_read_and_written(predict: Predict, workspace, tmp_path: Path) -> None:
    path, out = write(tmp_path / "in.csv", rows(3)), tmp_path / "out.csv"
    told = predict(path, out).read_json("report.json")
    assert told["source"]["path"] == str(path) and told["to"] == str(out)
    assert told["model"] == workspace.get("flights").digest and told["rows"] == 3 and len(told["sha256"]) == 64
    with pytest.raises(InputError, match="is a report"):
        aimass.predict(workspace.find("report")[0], workspace=workspace, source={"use": "csv", "path": ""}, to=str(out))
