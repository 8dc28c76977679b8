"""Every mistake has an error that says what is wrong, what was expected and what to do; and nothing is lost."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sqlite3
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from aimass.collect import sql as sql_module
from aimass.collect.base import MALFORMED, RAW, Collector
from aimass.collect.files import plan
from aimass.core.errors import InputError
from tests.collect.guests import ODD
from tests.collect.hand import collected, facts, rows

GUESTS = "tests.collect.guests"


def refused(root: Path, settings: dict[str, Any] | str, *words: str, name: str = "t") -> InputError:
    """The InputError of collecting; it says each of WORDS, and what was expected; the lake holds no row of it."""
    with pytest.raises(InputError) as caught:
        collected(root, settings, name=name)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.expected
    return caught.value


def read(root: Path, **settings: Any) -> list[dict[str, Any]]:
    return rows(root, collected(root, settings))


def bad(root: Path, **settings: Any) -> list[tuple[str, str]]:
    """Reason and raw text of each malformed row."""
    dataset = collected(root, settings)
    found = rows(root, dataset, (MALFORMED, RAW))
    told = [(row[MALFORMED], row[RAW]) for row in found if row[MALFORMED] is not None]
    assert facts(dataset)["malformed"] == len(told)
    assert facts(dataset)["rows"] == len(found)
    return told


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "flights.csv"


class TestFiles:
    def test_a_missing_file_names_the_nearest(self, tmp_path: Path, file: Path) -> None:
        file.write_text("a\n1\n")
        assert refused(tmp_path, {"use": "csv", "path": f"{tmp_path}/flihgts.csv"}, "did you mean 'flights.csv'").todo
        refused(tmp_path, {"use": "csv", "path": f"{tmp_path}/nowhere/flights.csv"}, "no file at")
        refused(tmp_path, {"use": "csv", "path": f"{tmp_path}/{'x' * 300}"}, "no file at")
        refused(tmp_path, {"use": "images", "path": f"{tmp_path}/{'x' * 300}"}, "no folder at")

    @pytest.mark.parametrize("use", ["csv", "parquet", "jsonl"])
    def test_a_folder_is_not_a_file(self, tmp_path: Path, use: str) -> None:
        refused(tmp_path, {"use": use, "path": str(tmp_path)}, "is a folder", "/*")

    def test_a_pattern_that_matches_nothing_is_an_error(self, tmp_path: Path) -> None:
        refused(tmp_path, {"use": "csv", "path": f"{tmp_path}/*.csv"}, "no file matches")

    def test_a_name_with_brackets_is_a_name_where_there_is_such_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "a[1].csv").write_text("a\n1\n")
        assert read(tmp_path, use="csv", path=f"{tmp_path}/a[1].csv") == [{"a": "1"}]

    def test_an_url_is_not_a_path(self, tmp_path: Path) -> None:
        refused(tmp_path, {"use": "csv", "path": "https://example.com/a.csv"}, "not a local path", "download")

    def test_a_package_that_is_not_installed_is_named(self, tmp_path: Path) -> None:
        refused(tmp_path, {"use": "csv", "path": "package:nosuchpackage/a.csv"}, "pip install nosuchpackage")
        refused(tmp_path, {"use": "csv", "path": "package:json//etc/passwd"}, "leaves the package json")
        refused(tmp_path, {"use": "csv", "path": "package:json/../os.py"}, "leaves the package json")
        refused(tmp_path, {"use": "csv", "path": "package:aimass/nosuch.csv"}, "no file at")

    def test_a_file_inside_an_installed_package_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "site" / "somedata").mkdir(parents=True)
        (tmp_path / "site" / "somedata" / "__init__.py").write_text("raise RuntimeError('must not run')")
        (tmp_path / "site" / "somedata" / "a.csv").write_text("a\n1\n")
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        assert read(tmp_path, use="csv", path="package:somedata/a.csv") == [{"a": "1"}]

    @pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
    @pytest.mark.parametrize("use", ["csv", "jsonl"])
    def test_a_packed_file_is_read_and_a_half_written_one_refused(self, tmp_path: Path, pack: Any, use: str) -> None:
        ending = {"gzip": "gz", "bz2": "bz2", "lzma": "xz"}[pack.__module__]
        file = tmp_path / f"a.{use}.{ending}"
        rng = np.random.default_rng(0)
        words = [bytes(rng.integers(97, 123, 40, dtype=np.uint8)).decode() for _ in range(3000)]
        text = "a\n" + "\n".join(words) if use == "csv" else "\n".join(json.dumps({"a": word}) for word in words)
        content = pack(text.encode())
        file.write_bytes(content)
        assert len(read(tmp_path, use=use, path=str(file))) == 3000
        damaged = bytearray(content)
        damaged[len(content) // 2] ^= 0xFF
        for broken in (content[: len(content) // 2], bytes(damaged), b"no archive at all"):
            file.write_bytes(broken)
            refused(tmp_path / "new", {"use": use, "path": str(file)}, "cannot be unpacked", "get it again")

    def test_a_zip_holds_one_whole_file(self, tmp_path: Path) -> None:
        file = tmp_path / "a.csv.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.csv", "a\n1\n")
        assert read(tmp_path, use="csv", path=str(file)) == [{"a": "1"}]
        content = file.read_bytes()
        file.write_bytes(content[:-20])
        refused(tmp_path / "new", {"use": "csv", "path": str(file)}, "cannot be unpacked")
        file.write_bytes(content)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("b.csv", "a\n2\n")
        refused(tmp_path / "new", {"use": "csv", "path": str(file)}, "holds 2 files")

    def test_a_file_that_may_not_be_read_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(path: Path) -> str:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("aimass.collect.files.digest_of_file", forbidden)
        with pytest.raises(InputError, match=r"secret\.csv cannot be read: Permission denied"):
            plan([tmp_path / "secret.csv"], None)

    def test_a_file_that_changes_while_it_is_read_is_refused(
        self, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file.write_text("a\n1\n")
        digests = iter("ab")
        monkeypatch.setattr("aimass.collect.files.digest_of_file", lambda path: next(digests))
        refused(tmp_path, {"use": "csv", "path": str(file)}, "changed while it was being read")

    def test_a_file_that_goes_while_it_is_read_is_named(self, tmp_path: Path) -> None:
        file, cells = tmp_path / "a.jsonl", Collector.from_settings({"use": "jsonl", "path": f"{tmp_path}/a.jsonl"})
        file.write_text('{"a": 1}\n')
        reading = cells.read(None)
        assert next(reading) == {"a": 1}
        file.unlink()
        with pytest.raises(InputError, match=r"a\.jsonl cannot be read"):
            next(reading)

    @pytest.mark.parametrize("name", ["../x", "..", "/etc/x", "a/b/c", "", "a b", "a/_delta_log", ".hidden", "a\n"])
    def test_the_name_of_a_table_stays_inside_the_lake(self, tmp_path: Path, file: Path, name: str) -> None:
        file.write_text("a\n1\n")
        refused(tmp_path, {"use": "csv", "path": str(file)}, "cannot be the name of a table", name=name)


class TestCsv:
    @pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"  \n"])
    def test_an_empty_file_is_an_error(self, tmp_path: Path, file: Path, content: bytes) -> None:
        file.write_bytes(content)
        refused(tmp_path, {"use": "csv", "path": str(file)}, "is empty")

    @pytest.mark.parametrize("content", ["a,b", "a,b\n", "a,b\n\n\n"])
    def test_a_header_alone_is_no_row(self, tmp_path: Path, file: Path, content: str) -> None:
        file.write_text(content)
        refused(tmp_path, {"use": "csv", "path": str(file)}, "no rows", "header")

    def test_a_header_alone_among_other_files_is_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("a,b")
        (tmp_path / "b.csv").write_text("a,b\n1,2\n")
        assert read(tmp_path, use="csv", path=f"{tmp_path}/*.csv") == [{"a": "1", "b": "2"}]

    def test_a_wrong_encoding_is_said_and_the_right_one_works(self, tmp_path: Path, file: Path) -> None:
        file.write_bytes("name\nJosé\n".encode("latin-1"))
        refused(tmp_path, {"use": "csv", "path": str(file)}, "is not utf-8", 'encoding = "latin-1"')
        assert read(tmp_path, use="csv", path=str(file), encoding="latin-1") == [{"name": "José"}]
        file.write_bytes(b"name\n" + b"x\n" * 50_000 + b"Jos\xe9\n")  # far behind the header
        refused(tmp_path / "far", {"use": "csv", "path": str(file)}, "is not utf-8")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf8", "utf-16", "utf-16-le", "utf-32", "cp1252"])
    def test_text_in_every_encoding_is_read(self, tmp_path: Path, file: Path, encoding: str) -> None:
        file.write_bytes("näme,b\né,2\n".encode(encoding))
        assert read(tmp_path, use="csv", path=str(file), encoding=encoding) == [{"näme": "é", "b": "2"}]

    @pytest.mark.parametrize("encoding", ["utf-9", "hex", ""])
    def test_an_unknown_encoding_is_an_error(self, tmp_path: Path, file: Path, encoding: str) -> None:
        file.write_text("a\n1\n")
        assert refused(tmp_path, {"use": "csv", "path": str(file), "encoding": encoding}, "is not known").key

    def test_ragged_rows_are_kept_as_malformed_with_reason_and_text(self, tmp_path: Path, file: Path) -> None:
        file.write_text('a,b\n1,2\n3\n4,5,6\n"7\n8",9,10\n11,12\n')
        assert bad(tmp_path, use="csv", path=str(file)) == [
            ("1 cells instead of 2", "3"),
            ("3 cells instead of 2", "4,5,6"),
            ("3 cells instead of 2", '"7\n8",9,10'),
        ]

    def test_a_file_of_ragged_rows_alone_keeps_them_and_its_columns(self, tmp_path: Path, file: Path) -> None:
        file.write_text("a,b\n1\n2,3,4\n")
        assert len(bad(tmp_path, use="csv", path=str(file))) == 2
        dataset = collected(tmp_path / "new", {"use": "csv", "path": str(file)})
        assert [column["name"] for column in facts(dataset)["columns"]] == ["a", "b"]

    def test_quotes_hold_delimiters_line_ends_and_quotes(self, tmp_path: Path, file: Path) -> None:
        file.write_text('"a\nb","c,""d"""\n"1\n2","x,""y"""\n')
        assert read(tmp_path, use="csv", path=str(file)) == [{"a\nb": "1\n2", 'c,"d"': 'x,"y"'}]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be"])
    def test_a_quote_nobody_closes_is_an_error_where_it_swallows_rows(
        self, tmp_path: Path, file: Path, encoding: str
    ) -> None:
        file.write_bytes('a,b\n1,"2\n3,4\n5,6\n'.encode(encoding))
        refused(tmp_path, {"use": "csv", "path": str(file), "encoding": encoding}, "never closed", 'quote = ""')
        found = read(tmp_path, use="csv", path=str(file), quote="", encoding=encoding)
        assert [row["b"] for row in found] == ['"2', "4", "6"]
        file.write_bytes('a,b\n1,"2\n3"\n\n'.encode(encoding))
        assert read(tmp_path / "closed", use="csv", path=str(file), encoding=encoding) == [{"a": "1", "b": "2\n3"}]

    @pytest.mark.parametrize(
        ("text", "row"),
        [
            ('"price, EUR, net";"qty, pcs";t\n1;2;3\n', {"price, EUR, net": "1", "qty, pcs": "2", "t": "3"}),
            ('a;"say ""x, y, z"", please"\n1;2\n', {"a": "1", 'say "x, y, z", please': "2"}),
            ('"a,\nb,";c\n1;2\n', {"a,\nb,": "1", "c": "2"}),
            ('5" pipe;6" pipe;7\n1;2;3\n', {'5" pipe': "1", '6" pipe': "2", "7": "3"}),
        ],
    )
    def test_delimiters_inside_the_quotes_of_a_header_are_not_counted(
        self, tmp_path: Path, file: Path, text: str, row: dict[str, str]
    ) -> None:
        file.write_text(text)
        assert read(tmp_path, use="csv", path=str(file)) == [row]

    def test_a_blank_line_is_a_row_where_there_is_one_column_and_none_where_there_are_more(
        self, tmp_path: Path, file: Path
    ) -> None:
        file.write_text("\na\n1\n\n3\n")
        assert [row["a"] for row in read(tmp_path, use="csv", path=str(file))] == ["1", "", "3"]
        file.write_text("\na,b\n1,2\n\n3,4\n")
        assert [row["a"] for row in read(tmp_path / "more", use="csv", path=str(file))] == ["1", "3"]

    @pytest.mark.parametrize(
        ("header", "words"),
        [
            ("a,b,a", "'a' appears twice"),
            ("Name,name", "differ in case only"),
            ("a,,c", "column 2 has no name"),
            ("a,b,", "column 3 has no name"),
            ("a,_raw", "called _raw"),
        ],
    )
    def test_column_names_are_distinct_and_there(self, tmp_path: Path, file: Path, header: str, words: str) -> None:
        file.write_text(header + "\n1,2,3\n")
        refused(tmp_path, {"use": "csv", "path": str(file)}, words, "flights.csv")

    def test_column_names_that_differ_in_case_between_files_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "1.csv").write_text("Name\nx\n")
        path = f"{tmp_path}/*.csv"
        first = collected(tmp_path, {"use": "csv", "path": path})
        (tmp_path / "2.csv").write_text("name\ny\n")
        refused(tmp_path, {"use": "csv", "path": path}, "differ in case only")
        refused(tmp_path / "at once", {"use": "csv", "path": path}, "differ in case only")
        assert rows(tmp_path, first) == [{"Name": "x"}]

    @pytest.mark.parametrize(
        "settings", [{"delimiter": ";;"}, {"delimiter": "§"}, {"quote": "ab"}, {"delimiter": "\n"}]
    )
    def test_marks_of_more_than_one_ascii_character_are_refused(
        self, tmp_path: Path, file: Path, settings: dict[str, str]
    ) -> None:
        file.write_text("a\n1\n")
        error = refused(tmp_path, {"use": "csv", "path": str(file), **settings}, "one ASCII character")
        assert error.key == next(iter(settings))

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_the_delimiter_is_found(self, tmp_path: Path, file: Path, delimiter: str) -> None:
        file.write_text(f"\n\na b{delimiter}c\n1{delimiter}2,5\n" if delimiter != "," else '\n\na b,c\n1,"2,5"\n')
        assert read(tmp_path, use="csv", path=str(file)) == [{"a b": "1", "c": "2,5"}]

    def test_columns_name_a_file_without_a_header(self, tmp_path: Path, file: Path) -> None:
        file.write_text("1;2\n3;4\n")
        assert read(tmp_path, use="csv", path=str(file), columns=["a", "b"])[0] == {"a": "1", "b": "2"}

    def test_a_binary_file_is_not_csv(self, tmp_path: Path, file: Path) -> None:
        file.write_bytes(b"x" * 200_000)
        refused(tmp_path, {"use": "csv", "path": str(file)}, "cannot be parsed")
        file.write_bytes(bytes(range(256)) * 10)
        refused(tmp_path, {"use": "csv", "path": str(file)}, "is not utf-8")


class TestJsonLines:
    def test_lines_that_are_no_objects_are_kept_as_malformed(self, tmp_path: Path) -> None:
        file = tmp_path / "a.jsonl"
        file.write_bytes(b'\xef\xbb\xbf{"a": 1}\n{"a": \n[1, 2]\n\n7\n\xff{}\n{"a": "\\ud800"}\n{"a": 2}\n')
        assert sorted(bad(tmp_path, use="jsonl", path=str(file))) == [
            ("holds half a character (a lone surrogate)", '{"a": "\\ud800"}'),
            ("not JSON", '{"a":'),
            ("not UTF-8", "\\xff{}"),
            ("not a JSON object", "7"),
            ("not a JSON object", "[1, 2]"),
        ]

    def test_values_are_kept_as_json_spells_them(self, tmp_path: Path) -> None:
        file = tmp_path / "a.jsonl"
        file.write_text('{"a": [1, "é"], "b": {"c": null}, "d": true, "e": 1.50, "f": null, "g": 12345678901234567890}')
        assert read(tmp_path, use="jsonl", path=str(file)) == [
            {"a": '[1, "é"]', "b": '{"c": null}', "d": "true", "e": "1.5", "f": None, "g": "12345678901234567890"}
        ]

    def test_a_file_of_broken_lines_alone_keeps_them(self, tmp_path: Path) -> None:
        file = tmp_path / "a.jsonl"
        file.write_text("no\nJSON\n")
        assert len(bad(tmp_path, use="jsonl", path=str(file))) == 2

    @pytest.mark.parametrize("content", ["", "\n\n", "[]"])
    def test_no_rows_is_an_error(self, tmp_path: Path, content: str) -> None:
        file = tmp_path / "a.json"
        file.write_text(content)
        refused(tmp_path, {"use": "jsonl", "path": str(file)}, "no rows")

    def test_a_key_that_is_the_name_of_our_own_column_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "a.jsonl"
        file.write_text('{"_malformed": "x"}\n')
        refused(tmp_path, {"use": "jsonl", "path": str(file)}, "called _malformed")


class TestParquet:
    @pytest.mark.parametrize("cut", [0, 3, 30, -9])
    def test_half_a_file_is_refused(self, tmp_path: Path, cut: int) -> None:
        file = tmp_path / "a.parquet"
        pq.write_table(pa.table({"a": [1]}), file)
        file.write_bytes(file.read_bytes()[:cut])
        refused(tmp_path, {"use": "parquet", "path": str(file)}, "is not whole Parquet")

    def test_columns_get_types_that_every_reader_knows(self, tmp_path: Path) -> None:
        dataset = collected(tmp_path, f"{GUESTS}:typed")
        assert rows(tmp_path, dataset)[0] | {"naive": None} == {
            "small": 1, "category": "a", "view": "v", "seconds": 90_000_000, "naive": None, "list": "[1.0, null]",
        }  # fmt: skip
        types = {column["name"]: column["type"] for column in facts(dataset)["columns"]}
        assert (types["small"], types["naive"], types["list"]) == ("int64", "timestamp[us, tz=UTC]", "string")

    def test_files_of_other_types_are_refused_and_the_table_stays(self, tmp_path: Path) -> None:
        path = f"{tmp_path}/*.parquet"
        pq.write_table(pa.table({"a": [1]}), tmp_path / "1.parquet")
        first = collected(tmp_path, {"use": "parquet", "path": path})
        pq.write_table(pa.table({"a": ["x"]}), tmp_path / "2.parquet")
        refused(tmp_path, {"use": "parquet", "path": path}, "a changes from int64 to string")
        assert rows(tmp_path, first) == [{"a": 1}]


def picture(path: Path, size: tuple[int, int] = (4, 3), colour: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[0], size[1], 3) if colour else size, 7, np.uint8)).save(path)


class TestImages:
    def test_a_folder_that_is_missing_or_holds_no_images_is_an_error(self, tmp_path: Path) -> None:
        refused(tmp_path, {"use": "images", "path": f"{tmp_path}/nowhere"}, "no folder at")
        (tmp_path / "empty").mkdir()
        refused(tmp_path, {"use": "images", "path": f"{tmp_path}/empty"}, "holds no images")

    def test_images_of_other_sizes_need_a_size(self, tmp_path: Path) -> None:
        picture(tmp_path / "i" / "cat" / "1.png")
        picture(tmp_path / "i" / "dog" / "2.png", (5, 3), colour=True)
        settings = {"use": "images", "path": f"{tmp_path}/i"}
        refused(tmp_path, settings, "is 5 x 3, others 4 x 3", "size = [height, width]")
        dataset = collected(tmp_path, settings | {"size": [8, 6], "channels": "colour"})
        assert facts(dataset)["columns"][0]["shape"] == [8, 6, 3]
        assert {len(row["image"]) for row in rows(tmp_path, dataset)} == {8 * 6 * 3}
        for size in ([8], [0, 6], [1, 2, 3]):
            assert refused(tmp_path, settings | {"size": size}, "[height, width]").key == "size"

    def test_an_image_that_cannot_be_read_is_malformed(self, tmp_path: Path) -> None:
        for name in ("0", "1"):
            picture(tmp_path / "i" / "cat" / f"{name}.png")
        whole = (tmp_path / "i" / "cat" / "1.png").read_bytes()
        (tmp_path / "i" / "cat" / "0.png").write_bytes(b"not a picture")
        (tmp_path / "i" / "cat" / "2.png").write_bytes(whole[:50])
        assert bad(tmp_path, use="images", path=f"{tmp_path}/i") == [
            ("not an image: UnidentifiedImageError", "cat/0.png"),
            ("not an image: OSError", "cat/2.png"),
        ]

    @pytest.mark.filterwarnings("ignore::UserWarning:PIL")
    @pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tif"])
    def test_damaged_images_never_stop_a_collection(self, tmp_path: Path, ending: str) -> None:
        picture(tmp_path / "i" / "cat" / f"000.{ending}", (8, 8))
        whole, chance = (tmp_path / "i" / "cat" / f"000.{ending}").read_bytes(), np.random.default_rng(5)
        for i in range(1, 60):
            content = bytearray(whole[: chance.integers(20, len(whole) + 1)])
            content[chance.integers(8, len(content))] = chance.integers(256)
            (tmp_path / "i" / "cat" / f"{i:03}.{ending}").write_bytes(content)
        dataset = collected(tmp_path, {"use": "images", "path": f"{tmp_path}/i", "size": [8, 8], "channels": "grey"})
        assert facts(dataset)["rows"] == 60
        assert 0 < facts(dataset)["malformed"] < 60

    def test_an_image_that_changes_while_it_is_read_is_refused_and_never_recorded_as_read(self, tmp_path: Path) -> None:
        picture(tmp_path / "i" / "cat" / "1.png")
        settings = {"use": "images", "path": f"{tmp_path}/i"}
        reading = Collector.from_settings(settings).read(None)
        assert next(reading).num_rows == 1
        picture(tmp_path / "i" / "cat" / "1.png", (9, 9))
        with pytest.raises(InputError, match=r"1\.png changed while it was being read"):
            next(reading)

    def test_an_image_outside_a_class_folder_is_an_error(self, tmp_path: Path) -> None:
        picture(tmp_path / "i" / "train" / "cat" / "1.png")
        picture(tmp_path / "i" / "train" / "2.png")
        refused(tmp_path, {"use": "images", "path": f"{tmp_path}/i"}, "train/2.png lies in no class folder")
        (tmp_path / "i" / "train" / "2.png").rename(tmp_path / "i" / "2.png")
        refused(tmp_path, {"use": "images", "path": f"{tmp_path}/i"}, "lies in no class folder")

    def test_splits_are_named_by_folders_that_hold_classes(self, tmp_path: Path) -> None:
        picture(tmp_path / "i" / "train" / "cat" / "1.png")
        picture(tmp_path / "i" / "test" / "cat" / "1.png")
        found = read(tmp_path, use="images", path=f"{tmp_path}/i")
        assert [(row["label"], row["split"]) for row in found] == [("cat", "test"), ("cat", "train")]
        picture(tmp_path / "trains" / "train" / "1.png")
        picture(tmp_path / "trains" / "bus" / "1.png")
        assert [row["label"] for row in read(tmp_path / "n", use="images", path=f"{tmp_path}/trains")] == [
            "bus",
            "train",
        ]

    @pytest.mark.parametrize(
        ("images", "labels", "words"),
        [
            (struct.pack(">4I", 0x803, 2, 2, 2) + bytes(7), struct.pack(">2I", 0x801, 2) + bytes(2), "7 bytes for 8"),
            (struct.pack(">4I", 0x801, 2, 2, 2) + bytes(8), struct.pack(">2I", 0x801, 2) + bytes(2), "not an idx file"),
            (struct.pack(">4I", 0x803, 2, 2, 2) + bytes(8), struct.pack(">2I", 0x801, 3) + bytes(3), "but 3 labels"),
            (struct.pack(">4I", 0x803, 2, 2, 2) + bytes(8), b"", "not an idx file"),
            (struct.pack(">4I", 0x803, 2, 2, 2) + bytes(8), None, "no labels beside it"),
            (struct.pack(">4I", 0x803, 2, 2, 2) + bytes(8), struct.pack(">2I", 0x801, 2) + b"\0\5", "a label is 5"),
            (struct.pack(">4I", 0x803, 0, 2, 2), struct.pack(">2I", 0x801, 0), "no rows"),
        ],
    )
    def test_half_written_idx_files_are_refused(
        self, tmp_path: Path, images: bytes, labels: bytes | None, words: str
    ) -> None:
        (tmp_path / "i").mkdir()
        (tmp_path / "i" / "train-images-idx3-ubyte").write_bytes(images)
        if labels is not None:
            (tmp_path / "i" / "train-labels-idx1-ubyte").write_bytes(labels)
        refused(tmp_path, {"use": "images", "path": f"{tmp_path}/i", "classes": ["a", "b"]}, words)


class TestSql:
    @pytest.fixture
    def shop(self, tmp_path: Path) -> Path:
        with sqlite3.connect(tmp_path / "shop.db") as db:
            db.execute("CREATE TABLE sales (id INTEGER, at TEXT, price REAL, raw BLOB)")
            db.executemany("INSERT INTO sales VALUES (?, ?, ?, NULL)", [(i, f"12:{i:02}", i / 2) for i in range(7)])
        return tmp_path / "shop.db"

    def settings(self, shop: Path, query: str, **more: Any) -> dict[str, Any]:
        return {"use": "sql", "url": f"sqlite:///{shop}", "query": query, **more}

    @pytest.mark.parametrize(
        "query", ["SELECT * FROM nosuch", "SELECT nosuch FROM sales", "SELECT FROM", "SELECT 1; SELECT 2"]
    )
    def test_the_complaint_of_the_database_is_passed_on(self, tmp_path: Path, shop: Path, query: str) -> None:
        refused(tmp_path, self.settings(shop, query), "the query failed")

    @pytest.mark.parametrize(
        "query", ["DROP TABLE sales", "-- SELECT\n DELETE FROM sales", "", "PRAGMA user_version = 3"]
    )
    def test_only_a_select_is_run(self, tmp_path: Path, shop: Path, query: str) -> None:
        refused(tmp_path, self.settings(shop, query), "not one SELECT")
        assert len(read(tmp_path, **self.settings(shop, "/* all */ SELECT id FROM sales -- done"))) == 7

    def test_a_database_that_is_not_there_is_not_made(self, tmp_path: Path, shop: Path) -> None:
        refused(tmp_path, self.settings(tmp_path / "shpo.db", "SELECT 1"), "did you mean 'shop.db'")
        assert not (tmp_path / "shpo.db").exists()

    def test_text_that_looks_like_a_parameter_is_text(self, tmp_path: Path, shop: Path) -> None:
        found = read(
            tmp_path, **self.settings(shop, "SELECT id, ' :noon' AS x FROM sales WHERE at = '12:03'", order="id")
        )
        assert found == [{"id": "3", "x": " :noon"}]

    def test_two_columns_of_one_name_are_refused(self, tmp_path: Path, shop: Path) -> None:
        refused(tmp_path, self.settings(shop, "SELECT id, price AS id FROM sales"), "appears twice")

    def test_bytes_are_refused_by_the_name_of_their_column(self, tmp_path: Path, shop: Path) -> None:
        refused(
            tmp_path, self.settings(shop, "SELECT x'00' AS raw"), "column raw holds a bytes", "leave the column out"
        )

    def test_an_unknown_order_suggests_a_column(self, tmp_path: Path, shop: Path) -> None:
        error = refused(tmp_path, self.settings(shop, "SELECT id, price FROM sales", order="prise"), "mean 'price'")
        assert error.key == "order"

    def test_an_empty_position_is_refused_whenever_it_comes(self, tmp_path: Path, shop: Path) -> None:
        settings = self.settings(shop, "SELECT id, price FROM sales", order="id")
        first = collected(tmp_path, settings)
        with sqlite3.connect(shop) as db:
            db.execute("INSERT INTO sales VALUES (NULL, '', 1, NULL)")
        refused(tmp_path, settings, "id is empty in a row")
        refused(tmp_path / "new", settings, "id is empty in a row")
        assert len(rows(tmp_path, first)) == 7

    def test_rows_of_one_position_are_one_commit(
        self, tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sql_module, "FETCH", 2)
        source = sql_module.Sql(url=f"sqlite:///{shop}", query="SELECT id / 3 AS third, id FROM sales", order="third")
        items = list(source.read(None))
        assert [[row["id"] for row in part] for part in items[::2]] == [[0, 1, 2], [3, 4, 5], [6]]
        assert [cursor.value for cursor in items[1::2]] == [0, 1, 2]

    def test_a_password_stands_in_no_setting_but_in_the_environment(
        self, tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = "postgresql+psycopg://reader:geheim@localhost/shop"
        error = refused(tmp_path, {"use": "sql", "url": url, "query": "SELECT 1"}, "holds a password", "secret")
        assert "geheim" not in str(error)
        settings = {"url": url.replace(":geheim", ""), "query": "SELECT 1", "secret": "shop"}
        monkeypatch.delenv("AIMASS_SECRET_SHOP", raising=False)
        refused(tmp_path, {"use": "sql", **settings}, "AIMASS_SECRET_SHOP")
        monkeypatch.setenv("AIMASS_SECRET_SHOP", "geheim")
        assert sql_module.Sql(**settings)._url().password == "geheim"
        assert "geheim" not in json.dumps(sql_module.Sql(**settings).identity())

    @pytest.mark.parametrize("url", ["", "nonsense", "nosuch://host/db"])
    def test_an_url_of_nothing_known_is_an_error(self, tmp_path: Path, url: str) -> None:
        assert refused(tmp_path, {"use": "sql", "url": url, "query": "SELECT 1"}, "url").key == "url"


class TestPython:
    @pytest.mark.parametrize("what", sorted(ODD))
    def test_nonsense_from_a_collector_is_refused(self, tmp_path: Path, what: str) -> None:
        error = refused(tmp_path, {"use": f"{GUESTS}:odd", "what": what})
        assert "collector" in error.what or "column" in error.what
        assert not (tmp_path / "lake" / "t").exists()

    def test_rows_behind_the_last_cursor_are_refused_and_those_before_are_kept(self, tmp_path: Path) -> None:
        refused(tmp_path, f"{GUESTS}:rows_after_the_cursor", "1 rows after its last cursor")
        assert len(list((tmp_path / "lake" / "t").glob("*.parquet"))) == 1

    @pytest.mark.parametrize("same_commit", [False, True])
    def test_a_column_that_changes_its_type_is_refused(self, tmp_path: Path, same_commit: bool) -> None:
        refused(tmp_path, {"use": f"{GUESTS}:arrow_then_other_type", "same_commit": same_commit},
                "x changes from int64 to string")  # fmt: skip

    @pytest.mark.parametrize(
        ("place", "words"),
        [
            ("returns_nothing", "instead of yielding"),
            ("takes_schema", "parameter called schema"),
            ("takes_nothing", "takes no cursor"),
            ("takes_anything", "takes *settings"),
            ("NOT_A_FUNCTION", "not a function"),
            ("unplcaed", "did you mean 'unplaced'"),
        ],
    )
    @pytest.mark.parametrize("by", ["use", "call"])
    def test_what_cannot_be_a_collector_is_refused(self, tmp_path: Path, place: str, words: str, by: str) -> None:
        named = {"use": f"{GUESTS}:{place}"} if by == "use" else {"use": "python", "call": f"{GUESTS}:{place}"}
        refused(tmp_path, named, words)

    def test_settings_that_a_generator_lacks_are_refused(self, tmp_path: Path) -> None:
        refused(tmp_path, {"use": f"{GUESTS}:numbered", "cuont": 3}, "did you mean 'count'")
        refused(tmp_path, {"use": "python", "call": f"{GUESTS}:numbered", "arguments": {"cuont": 3}}, "cuont", "count")
        refused(tmp_path, {"use": "python", "call": "nosuch.module:read"}, "nosuch", "project file")
        error = refused(tmp_path, {"use": "python", "call": f"{GUESTS}:numberd"}, "did you mean 'numbered'")
        assert error.key.endswith("call")
        refused(tmp_path, {"use": "python", "call": "numbered"}, "package.module:function")

    def test_values_are_kept_as_text(self, tmp_path: Path) -> None:
        assert rows(tmp_path, collected(tmp_path, f"{GUESTS}:values")) == [{
            "text": "é", "flag": "true", "number": "1.5", "nan": None, "when": "2024-01-02T03:04:00+00:00",
            "nanoseconds": "2024-01-02T03:04:05.000000001", "wait": "60.0", "array": "[0, 1, 2]",
            "nested": '{"a": [1, null, "inf"]}',
        }]  # fmt: skip

    def test_rows_it_calls_malformed_are_kept_with_its_reason(self, tmp_path: Path) -> None:
        found = bad(tmp_path, use=f"{GUESTS}:broken", good=3, bad=2)
        assert found == [("said so", "raw 0"), ("said so", "raw 1")]
