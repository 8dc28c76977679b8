"""The file of keys: whole or not at all, for its owner alone, however many write."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.core.errors import InputError, StoreError
from aimass.serve.access.file import edit_keys, read_keys, stamp_of, write_whole
from aimass.serve.access.keys import Key, new_key

KEY, _ = new_key("first", ("predict",))


def add(path: Path, name: str) -> None:
    edit_keys(path, lambda keys: [*keys, new_key(name, ("predict",))[0]])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.jsonl"


def test_what_was_written_is_read_and_only_its_owner_may(path: Path) -> None:
    edit_keys(path, lambda keys: [*keys, KEY])
    assert read_keys(path) == [KEY]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir() if file.name.startswith(".")] == []


def test_writers_at_once_lose_no_key(path: Path) -> None:
    """In threads and in processes."""
    code = (
        "import sys; from pathlib import Path; from tests.serve.access.test_file import add\n"
        "for i in range(5): add(Path(sys.argv[1]), f'process-{sys.argv[2]}-{i}')"
    )
    command = [sys.executable, "-c", code, str(path)]
    others = [subprocess.Popen([*command, str(i)], env={**os.environ}, cwd=Path(__file__).parents[3]) for i in range(2)]
    threads = [threading.Thread(target=lambda n=n: [add(path, f"thread-{n}-{i}") for i in range(5)]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(60) for other in others] == [0, 0]
    names = [key.name for key in read_keys(path)]
    assert len(names) == len(set(names)) == 30


def test_a_reader_sees_the_old_keys_or_the_new_ones(path: Path) -> None:
    add(path, "zero")
    over = threading.Event()
    seen: set[int] = set()

    def read() -> None:
        while not over.is_set():
            seen.add(len(read_keys(path)))

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(30):
        add(path, str(i))
    over.set()
    reader.join()
    assert seen <= set(range(1, 32)) and seen


def test_a_change_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    add(path, "zero")
    before = path.read_bytes(), stamp_of(path)

    def fails(keys: list[Key]) -> list[Key]:
        raise InputError("no")

    with pytest.raises(InputError):
        edit_keys(path, fails)
    assert (path.read_bytes(), stamp_of(path)) == before


def test_another_file_has_another_stamp(path: Path) -> None:
    stamps = {stamp_of(path)}
    for name in "abc":
        add(path, name)
        stamps.add(stamp_of(path))
    assert len(stamps) == 4 and () in stamps


def test_a_file_that_is_not_there_says_how_to_make_it(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_keys(path)
    assert "aimass keys create" in caught.value.todo and caught.value.key == "keys"


def test_a_damaged_line_is_named_and_what_stands_in_it_is_not_told(path: Path) -> None:
    add(path, "zero")
    with path.open("a") as file:
        file.write('{"id": "topsecret"}\n')
    with pytest.raises(InputError, match="line 2") as caught:
        read_keys(path)
    assert "topsecret" not in str(caught.value)
    with pytest.raises(InputError, match="line 2"):  # and nobody writes over what is not understood
        add(path, "one")


def test_two_keys_of_one_id_are_refused(path: Path) -> None:
    with pytest.raises(InputError, match=KEY.id):
        edit_keys(path, lambda keys: [KEY, KEY])
        read_keys(path)


def test_a_file_that_anybody_may_write_is_refused(path: Path) -> None:
    add(path, "zero")
    path.chmod(0o666)
    with pytest.raises(InputError, match="anybody may write"):
        read_keys(path)


def test_a_folder_that_is_not_there_is_made_and_one_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    add(tmp_path / "new" / "keys.jsonl", "zero")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        write_whole(tmp_path / "file" / "keys.jsonl", b"")


@given(junk=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_whatever_stands_in_the_file_it_is_keys_or_an_input_error(tmp_path_factory, junk: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.jsonl"
    path.write_bytes(junk)
    try:
        assert read_keys(path) == []
    except InputError as error:
        assert error.what
