"""An archive from anybody: refused in a sentence, and nothing of it is in the workspace."""

from __future__ import annotations

import hashlib
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.project.archive.conftest import PROJECT as PROJECT_FILE
from tests.project.archive.conftest import built

from aimass.core.canonical import digest_of
from aimass.core.errors import AimassError, InputError
from aimass.project.archive.contents import INDEX, LOGS, METRICS, NAMES, PROJECT, RUNS, VERSIONS, check_paths
from aimass.project.archive.take import import_project, look
from aimass.project.archive.write import export_project
from aimass.runner.workspace import Workspace

Members = dict[str, bytes]
Change = Callable[[Members], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    export_project(built(folder), "p", folder / "p.zip", text=PROJECT_FILE)
    return (folder / "p.zip").read_bytes()


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One for all: nothing of any of them gets into it."""
    return Workspace(tmp_path_factory.mktemp("hostile") / "elsewhere")


@pytest.fixture
def file(whole: bytes, tmp_path: Path) -> Path:
    (tmp_path / "p.zip").write_bytes(whole)
    return tmp_path / "p.zip"


def members_of(file: Path) -> Members:
    with zipfile.ZipFile(file) as zip:
        return {name: zip.read(name) for name in zip.namelist()}


def written(to: Path, members: Members, *, honest: bool = True, **more: Any) -> Path:
    """An archive of MEMBERS; HONEST: its list has their true sizes and checksums."""
    index = json.loads(members.pop(INDEX))
    if honest:
        index["files"] = {name: [len(data), hashlib.sha256(data).hexdigest()] for name, data in members.items()}
    with zipfile.ZipFile(to, "w", **more) as zip:
        for name, data in {**members, INDEX: json.dumps(index).encode()}.items():
            zip.writestr(name, data)
    return to


def refused(space: Workspace, file: Path) -> str:
    """Why FILE does not come into SPACE, of which nothing was changed."""
    with pytest.raises(InputError) as caught:
        import_project(space, file)
    assert not (space.runs() or space.artifacts() or space.names() or space.versions() or space.bytes.digests())
    left = [
        path for place in (Path(space.lake), space.folder / "scratch") for path in place.rglob("*") if path.is_file()
    ]
    assert [path for path in left if path.suffix != ".lock"] == []
    assert not [*file.parent.rglob("*evil*"), *space.folder.parent.rglob("*evil*")]
    return caught.value.what


def lines(members: Members, path: str) -> list[Any]:
    return [json.loads(line) for line in members[path].splitlines()]


def put(members: Members, path: str, rows: list[Any]) -> None:
    members[path] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def edit(path: str, **facts: Any) -> Change:
    """The first row of PATH with other FACTS."""

    def change(members: Members) -> None:
        rows = lines(members, path)
        put(members, path, [{**rows[0], **facts}, *rows[1:]])

    return change


def task(**facts: Any) -> Change:
    """The first run did another task than it says."""

    def change(members: Members) -> None:
        rows = lines(members, RUNS)
        rows[0]["task_json"] = json.dumps({**json.loads(rows[0]["task_json"]), **facts})
        put(members, RUNS, rows)

    return change


def manifest(members: Members) -> str:
    return next(name for name in members if name.endswith("/manifest.json"))


def in_manifest(**facts: Any) -> Change:
    def change(members: Members) -> None:
        path = manifest(members)
        members[path] = json.dumps({**json.loads(members[path]), **facts}).encode()

    return change


def artifact_named(digest: str) -> Change:
    """An artifact whose manifest is right in itself and lies under another digest."""

    def change(members: Members) -> None:
        old = manifest(members).split("/")[1]
        for name in [name for name in members if name.startswith(f"artifacts/{old}/")]:
            members[name.replace(old, digest)] = members.pop(name)

    return change


def other_bytes(members: Members) -> None:
    path = next(name for name in members if name.endswith("/rows.json"))
    members[path] = b"[1]"


def without(start: str) -> Change:
    def change(members: Members) -> None:
        for name in [name for name in members if name.startswith(start)]:
            del members[name]

    return change


def adding(name: str, data: bytes = b"evil") -> Change:
    return lambda members: members.update({name: data})


def appended(path: str, row: Any) -> Change:
    return lambda members: put(members, path, [*lines(members, path), row])


def index(**facts: Any) -> Change:
    return lambda members: members.update({INDEX: json.dumps({**json.loads(members[INDEX]), **facts}).encode()})


def rows_cut(members: Members) -> None:
    path = next(name for name in members if name.startswith("lake/") and name.endswith(".parquet"))
    members[path] = members[path][:-20]


CHANGES: dict[str, tuple[Change, str]] = {
    "a path that climbs": (adding("../evil"), "no path inside it"),
    "a path from the root": (adding("/tmp/evil"), "no path inside it"),
    "a path that climbs deep inside": (adding(f"artifacts/{'0' * 64}/../../../evil"), "no path inside it"),
    "a path of Windows": (adding("artifacts\\evil"), "no path inside it"),
    "a path with a letter of control": (adding("artifacts/evil\n"), "no path inside it"),
    "a path too long": (adding(f"lake/{'e' * 300}/x"), "no path inside it"),
    "a file in a file": (adding(f"{RUNS}/evil"), "lies in another file"),
    "a file of nobody": (adding("evil.sh"), "which no export writes"),
    "a file of no table": (adding("lake/p/evil.parquet"), "belongs to no table"),
    "no runs": (without(RUNS), f"has no {RUNS}"),
    "no manifest": (lambda m: m.pop(manifest(m)), "has no manifest.json"),
    "a manifest that is no manifest": (in_manifest(evil=1), "is not what it should be"),
    "another kind": (in_manifest(kind="dataset2"), "is not what it should be"),
    "another known kind": (in_manifest(kind="model"), "is not what its digest says"),
    "parents that are none": (in_manifest(parents=[7]), "is not what it should be"),
    "another parent": (in_manifest(parents=["0" * 64]), "is not what its digest says"),
    "files that are none": (in_manifest(files=["../../evil"]), "is not what it should be"),
    "a file more": (in_manifest(files={"../../evil": "0" * 64}), "has other files than"),
    "another size": (in_manifest(size=-1), "has another size"),
    "a step too long": (in_manifest(step="s" * 200), "step cannot be"),
    "a step with a letter 0": (in_manifest(step="a\0b"), "step cannot be"),
    "facts with a letter 0": (in_manifest(facts={"a": "\0"}), "facts cannot be"),
    "another digest": (artifact_named("0" * 64), "is not what it should be"),
    "other bytes under a true manifest": (other_bytes, "has other files than"),
    "a file of an artifact missing": (
        lambda m: m.pop(next(n for n in m if n.endswith("/rows.json"))), "has other files"),
    "a run without a column": (lambda m: put(m, RUNS, [{"id": 1}]), "has other columns"),
    "a run that is a list": (lambda m: put(m, RUNS, [[]]), "has other columns"),
    "a run that runs": (edit(RUNS, state="running", ended=None), "has not ended"),
    "a run of another task": (edit(RUNS, task="0" * 64), "did another task"),
    "a run with another seed": (task(seed=7), "did another task"),
    "a run whose task is no JSON": (edit(RUNS, task_json="{"), "is not JSON"),
    "a run that made what is not there": (edit(RUNS, output="0" * 64), "is not there"),
    "a number too large": (edit(RUNS, pid=1 << 40), "pid cannot be"),
    "a run twice": (lambda m: put(m, RUNS, [lines(m, RUNS)[0]] * 2), "is there twice"),
    "a name of another project": (edit(NAMES, name="q/model"), "is not the project's"),
    "a name that leads to nothing": (edit(NAMES, digest="0" * 64), "leads to nothing"),
    "an alias of nothing published": (edit(NAMES, name="q@champion"), "is not the project's"),
    "a version that leads to nothing": (edit(VERSIONS, digest="0" * 64), "leads to nothing"),
    "a version 0": (edit(VERSIONS, number=0), "there twice or leads to nothing"),
    "a version of a name that is none": (edit(VERSIONS, name="../p"), "cannot be a name"),
    "a figure that is none": (appended(METRICS, [1, "x"]), "a figure in it is [1, 'x']"),
    "a figure that is not finite": (adding(METRICS, b'[1, "loss", 1, NaN, 1]\n'), "NaN is no number"),
    "a figure too large": (adding(METRICS, b'[1, "loss", 1, 1e999, 1]\n'), "a figure in it is"),
    "a figure that is true": (adding(METRICS, b'[1, "loss", 1, true, 1]\n'), "a figure in it is"),
    "a figure with a name too long": (appended(METRICS, [1, "x" * 200, None, 1.0, 1.0]), "a figure in it is"),
    "a figure at a word": (appended(METRICS, [1, "x", "at", 1.0, 1.0]), "a figure in it is"),
    "a line of a log that is a number": (adding(LOGS, b"7\n"), "has other columns"),
    "a log of bytes": (adding(LOGS, b"\xff\xfe\n"), "is not JSON"),
    "a log without an end": (adding(LOGS, b'{"run": 1}'), "ends in the middle"),
    "brackets without end": (adding(NAMES, b"[" * 100_000 + b"\n"), "is not JSON"),
    "a project file that is none": (adding(PROJECT, b"= = ="), "is not TOML"),
    "a project file of bytes": (adding(PROJECT, b"\xff"), "decode"),
    "another format": (index(format=2), "its format is '2', this aimass reads 1"),
    "a list with more in it": (index(evil=1), "not what an export writes"),
    "nobody's": (index(project="../evil"), "does not say whose"),
    "a list of no files": (lambda m: m.update({INDEX: b'{"format": 1}'}), "not what an export writes"),
    "rows that are cut": (rows_cut, "cannot be read"),
    "a log of a table that is none": (
        lambda m: m.update({next(n for n in m if "/_delta_log/" in n): b"{}"}), "cannot be read"),
    "rows that are missing": (
        lambda m: m.pop(next(n for n in m if n.startswith("lake/") and n.endswith(".parquet"))), "cannot be read"),
    "a table that is missing": (without("lake/"), "a table that is not in it"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_an_archive_that_lies_is_refused(file: Path, elsewhere: Workspace, what: str) -> None:
    change, why = CHANGES[what]
    members = members_of(file)
    change(members)
    assert why in refused(elsewhere, written(file.with_name("lie.zip"), members))


def test_a_packed_archive_is_refused_so_that_none_can_be_a_bomb(file: Path, elsewhere: Workspace) -> None:
    members = members_of(file)
    members[LOGS] = b" " * (50 << 20)
    bomb = written(file.with_name("bomb.zip"), members, compression=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 1 << 20
    assert "is packed, which nothing in an archive is" in refused(elsewhere, bomb)


def test_members_over_each_other_are_refused(file: Path, elsewhere: Workspace) -> None:
    members = members_of(file)
    lie = written(file.with_name("lie.zip"), members)
    data = bytearray(lie.read_bytes())
    at = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", at + 1)
    data[second + 42 : second + 46] = data[at + 42 : at + 46]  # where it begins
    lie.write_bytes(data)
    assert "lies over another" in refused(elsewhere, lie)


def test_a_member_twice_is_refused(file: Path, elsewhere: Workspace) -> None:
    lie = written(file.with_name("lie.zip"), members_of(file))
    with warnings.catch_warnings(), zipfile.ZipFile(lie, "a") as zip:
        warnings.simplefilter("ignore")
        zip.writestr(RUNS, b"evil")
    assert "is in it twice" in refused(elsewhere, lie)


@pytest.mark.parametrize("change", [other_bytes, adding(LOGS, b"{}\n"), adding("lake/p/p/evil")])
def test_what_the_list_does_not_say_is_refused(file: Path, elsewhere: Workspace, change: Change) -> None:
    members = members_of(file)
    change(members)
    why = refused(elsewhere, written(file.with_name("lie.zip"), members, honest=False))
    assert "and what it holds differ" in why


def test_a_wrong_checksum_is_refused(file: Path, elsewhere: Workspace) -> None:
    members = members_of(file)
    name = next(name for name in members if members[name].startswith(b"[0, 1, 4"))
    members[name] = members[name].replace(b"4", b"5")
    lie = written(file.with_name("lie.zip"), members, honest=False)  # the zip's own sums are right
    assert f"the checksum of '{name}' is wrong" in refused(elsewhere, lie)
    data = bytearray(file.read_bytes())
    data[data.index(b"[0, 1, 4") + 1] = ord("9")
    file.write_bytes(data)
    assert "CRC" in refused(elsewhere, file)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(file: Path, elsewhere: Workspace, share: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    assert "is no whole archive" in refused(elsewhere, file)


def test_what_is_no_file_is_refused(elsewhere: Workspace, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.zip", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            import_project(elsewhere, path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_may_be_wrong(file: Path, elsewhere: Workspace, data: st.DataObject) -> None:
    """It is refused, or it is a byte that means nothing."""
    whole = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    lie = file.with_name("lie.zip")
    lie.write_bytes(whole)
    try:
        look(elsewhere, lie)
    except AimassError as error:
        assert isinstance(error, InputError)
    assert elsewhere.artifacts() == []


@given(
    parts=st.lists(st.text(max_size=5) | st.sampled_from(["..", ".", "", "lake", "artifacts", "0" * 64]), min_size=1)
)
def test_a_path_that_is_let_through_stays_inside(parts: list[str]) -> None:
    path = "/".join(parts)
    try:
        check_paths([path])
    except InputError:
        return
    base = Path("/base")
    assert (base / path).resolve(strict=False).is_relative_to(base) and "\0" not in path


def test_a_digest_stands_for_kind_files_and_parents(file: Path) -> None:
    """What the refusals above rest on."""
    told = json.loads(members_of(file)[manifest(members_of(file))])
    assert digest_of({name: told[name] for name in ("kind", "files", "parents")}) == told["digest"]
