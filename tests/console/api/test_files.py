"""Uploads and the data folder over the API: sent in pieces, looked at, taken, removed; hostile files do no harm."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient
from tests.console.conftest import Guest
from tests.whole import tiny

from aimass.console.access import audit
from aimass.console.files import folder, uploads
from aimass.console.jobs.work import data_of
from aimass.console.looks import ask
from aimass.console.place import Place
from aimass.core.canonical import digest_of_file
from aimass.store.catalog import Catalog

UPLOADS, FILES = "/api/v1/uploads", "/api/v1/files"
OCTETS = {"content-type": "application/octet-stream"}
ROWS = ("\n".join([tiny.HEADER, *tiny.lines(200)]) + "\n").encode()


def begun(client: TestClient, name: str, size: int, status: int = 201) -> dict[str, Any]:
    done = client.post(UPLOADS, json={"name": name, "size": size, "modified": 1})
    assert done.status_code == status, done.text
    return dict(done.json())


def sent(client: TestClient, name: str, content: bytes, piece: int = 1 << 20) -> str:
    """The id of an upload of CONTENT that is whole."""
    upload = begun(client, name, len(content))
    for at in range(0, len(content), piece):
        done = put(client, upload["id"], at, content[at : at + piece])
        assert done.status_code == 200, done.text
    return str(upload["id"])


def put(client: TestClient, id: str, at: int, piece: bytes) -> Any:
    return client.put(f"{UPLOADS}/{id}?at={at}", content=piece, headers=OCTETS)


def taken(client: TestClient, name: str, content: bytes, **more: Any) -> Any:
    return client.post(f"{UPLOADS}/{sent(client, name, content)}/take", json=more)


def test_a_file_comes_in_pieces_is_looked_at_and_taken(guest: Guest, place: Place, catalog: Catalog) -> None:
    operator = guest("operator")
    id = sent(operator, "rows.csv", ROWS, 3000)
    look = operator.get(f"{UPLOADS}/{id}/look").json()
    digest = sha256(ROWS).hexdigest()
    assert (look["sha256"], look["seen"], look["whole"], look["malformed"]) == (digest, 200, True, 0)
    told = {column["name"]: (column["type"], column["kind"], column["task"]) for column in look["columns"]}
    assert told == {
        "size": ("number", "number", "regression"),
        "colour": ("text", "category", "multiclass"),
        "note": ("text", "text", ""),
        "day": ("timestamp", "date", ""),
        "bought": ("text", "category", "binary"),
    }
    assert look["rows"][0] == ROWS.decode().splitlines()[1].split(",")
    assert not data_of(place.workspace).exists(), "nothing is taken yet"
    done = operator.post(f"{UPLOADS}/{id}/take", json={"sha256": digest})
    assert done.status_code == 201, done.text
    assert (done.json()["sha256"], done.json()["who"], done.json()["use"]) == (digest, "operator", "csv")
    assert (data_of(place.workspace) / "rows.csv").read_bytes() == ROWS
    assert operator.get(UPLOADS).json()["rows"] == []
    viewer = guest("viewer")
    assert [row["name"] for row in viewer.get(FILES).json()["rows"]] == ["rows.csv"]
    assert viewer.get(f"{FILES}/rows.csv/look").json()["columns"] == look["columns"]
    noted = [(row["who"], row["what"], row["subject"]) for row in audit.entries(catalog, what="files.")]
    assert noted == [("operator", "files.take", "rows.csv")]


def test_an_upload_goes_on_where_it_was(admin: TestClient) -> None:
    upload = begun(admin, "rows.csv", len(ROWS))
    assert put(admin, upload["id"], 0, ROWS[:1000]).json()["received"] == 1000
    [waits] = admin.get(UPLOADS).json()["rows"]
    assert (waits["name"], waits["modified"], waits["received"]) == ("rows.csv", 1, 1000)
    again = put(admin, upload["id"], 0, ROWS[:1000])
    assert (again.status_code, again.json()["key"]) == (409, "at")
    assert admin.get(f"{UPLOADS}/{upload['id']}/look").status_code == 409
    assert admin.post(f"{UPLOADS}/{upload['id']}/take", json={}).status_code == 409
    assert put(admin, upload["id"], 1000, ROWS[1000:]).json()["received"] == len(ROWS)
    assert admin.post(f"{UPLOADS}/{upload['id']}/take", json={}).json()["sha256"] == sha256(ROWS).hexdigest()


def test_what_came_otherwise_than_it_was_sent_is_not_taken(admin: TestClient, place: Place) -> None:
    done = taken(admin, "rows.csv", ROWS, sha256="0" * 64)
    assert (done.status_code, done.json()["key"]) == (409, "sha256")
    assert admin.get(FILES).json()["rows"] == []


def test_a_file_is_replaced_only_when_that_is_said(admin: TestClient, catalog: Catalog) -> None:
    assert taken(admin, "rows.csv", ROWS).status_code == 201
    id = sent(admin, "rows.csv", ROWS + ROWS[-30:])
    refused = admin.post(f"{UPLOADS}/{id}/take", json={})
    assert (refused.status_code, refused.json()["key"]) == (409, "name")
    assert admin.post(f"{UPLOADS}/{id}/take", json={"name": "../x.csv"}).json()["key"] == "name"
    assert admin.post(f"{UPLOADS}/{id}/take", json={"replace": True}).status_code == 201
    [entry, _] = audit.entries(catalog, what="files.take")
    assert entry["before"]["sha256"] == sha256(ROWS).hexdigest() != entry["after"]["sha256"]
    gone = admin.delete(f"{FILES}/rows.csv")
    assert gone.status_code == 200 and admin.get(FILES).json()["rows"] == []
    assert audit.entries(catalog, what="files.remove")[0]["before"]["sha256"] == entry["after"]["sha256"]


@contextmanager
def unkept(catalog: Catalog) -> Iterator[None]:
    """The disk of CATALOG fails at the end of each transaction."""

    def fails(_: Any) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    sa.event.listen(catalog.engine, "commit", fails)
    try:
        yield
    finally:
        sa.event.remove(catalog.engine, "commit", fails)


def test_no_file_comes_goes_or_is_replaced_without_its_entry(admin: TestClient, place: Place, catalog: Catalog) -> None:
    assert taken(admin, "rows.csv", ROWS).status_code == 201
    id = sent(admin, "rows.csv", ROWS + ROWS[-30:])
    with unkept(catalog):
        assert admin.post(f"{UPLOADS}/{id}/take", json={"replace": True}).status_code == 503
        assert admin.post(f"{UPLOADS}/{id}/take", json={"name": "new.csv"}).status_code == 503
        assert admin.delete(f"{FILES}/rows.csv").status_code == 503
        assert admin.post(UPLOADS, json={"name": "more.csv", "size": 9}).status_code == 503
    assert [path.name for path in data_of(place.workspace).iterdir()] == ["rows.csv"]
    assert (data_of(place.workspace) / "rows.csv").read_bytes() == ROWS
    assert [row["id"] for row in admin.get(UPLOADS).json()["rows"]] == [id]
    assert len(audit.entries(catalog, what="files.")) == 1
    assert admin.post(f"{UPLOADS}/{id}/take", json={"replace": True}).status_code == 201, "it can be done again"


def test_what_the_disk_refuses_stands_there_as_failed_and_the_file_is_known_as_before(
    admin: TestClient, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert taken(admin, "rows.csv", ROWS).status_code == 201
    id = sent(admin, "rows.csv", ROWS + ROWS[-30:])

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder, "_move", full)
    assert admin.post(f"{UPLOADS}/{id}/take", json={"replace": True}).status_code == 503
    entry = audit.entries(catalog, what="files.take")[0]
    assert entry["after"]["asked"]["size"] == len(ROWS) + 30 and "No space left" in entry["after"]["failed"]
    [row] = admin.get(FILES).json()["rows"]
    assert (row["sha256"], row["who"]) == (sha256(ROWS).hexdigest(), "ada")


def test_nobody_goes_on_with_the_upload_of_another_but_an_admin(admin: TestClient, guest: Guest) -> None:
    ada, eve = guest("operator", "own"), guest("operator", "eve")
    id = sent(ada, "rows.csv", ROWS)
    assert eve.get(UPLOADS).json()["rows"] == []
    asked = [eve.get(f"{UPLOADS}/{id}"), eve.get(f"{UPLOADS}/{id}/look"), put(eve, id, 0, b"x"),
             eve.post(f"{UPLOADS}/{id}/take", json={}), eve.delete(f"{UPLOADS}/{id}")]  # fmt: skip
    assert {done.status_code for done in asked} == {404}
    assert admin.delete(f"{UPLOADS}/{id}").status_code == 200
    assert ada.get(f"{UPLOADS}/{id}").status_code == 404


NAMES = ("../../etc/passwd", "/etc/x.csv", "a/b.csv", "x\0.csv", ".x.csv", "x.exe", "\u202ex.csv",
         "<img src=x onerror=alert(1)>.csv", "x" * 300 + ".csv")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_elsewhere_begins_nothing(admin: TestClient, place: Place, name: str) -> None:
    refused = begun(admin, name, 1, 422)
    assert refused["key"] == "name" and not (place.workspace.folder / "uploads").exists()


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", "..%2f..%2fcatalog.db", "%2fetc%2fpasswd", "catalog.db", ".known", "~"]
)
def test_only_what_lies_in_the_folder_is_shown_or_removed(admin: TestClient, place: Place, name: str) -> None:
    assert taken(admin, "rows.csv", ROWS).status_code == 201
    for done in (admin.get(f"{FILES}/{name}/look"), admin.delete(f"{FILES}/{name}")):
        assert done.status_code in (404, 405), done.text
    assert (place.workspace.folder / "catalog.db").exists()


def test_more_than_was_announced_or_fits_is_refused(admin: TestClient) -> None:
    assert begun(admin, "rows.csv", uploads.LARGEST + 1, 413)["key"] == "size"
    assert begun(admin, "rows.csv", 0, 422)["key"] == "size"
    id = begun(admin, "rows.csv", 10)["id"]
    assert put(admin, id, 0, b"x" * 11).status_code == 409
    assert put(admin, id, 0, b"x" * (uploads.PIECE + 1)).status_code == 413
    assert put(admin, id, 0, b"").status_code == 422
    assert put(admin, id, -1, b"x").status_code == 422
    assert admin.get(f"{UPLOADS}/{id}").json()["received"] == 0


def test_a_file_that_is_none_is_told_so_and_where_it_lies_is_not(admin: TestClient, place: Place) -> None:
    done = admin.get(f"{UPLOADS}/{sent(admin, 'noise.parquet', bytes(range(256)) * 20)}/look")
    assert (done.status_code, done.json()["error"].split(":")[0]) == (422, "noise.parquet is not whole Parquet")
    assert str(place.workspace.folder) not in done.text


def test_a_file_that_breaks_its_reader_does_no_harm(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "MEMORY", 300 << 20)  # too little even to begin
    done = admin.get(f"{UPLOADS}/{sent(admin, 'rows.csv', ROWS + b'x')}/look")
    assert (done.status_code, done.json()["error"]) == (422, "rows.csv broke its reader")
    assert admin.get("/api/v1/me").status_code == 200


def test_a_look_that_is_killed_leaves_nothing_and_is_not_taken_again(
    admin: TestClient, place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (temp := tmp_path / "temp").mkdir()
    (dies := tmp_path / "dies").write_text(f"#!/bin/sh\necho >> {tmp_path}/begun\necho > $TMPDIR/left\nkill -9 $$\n")
    dies.chmod(0o700)
    monkeypatch.setenv("TMPDIR", str(temp))
    at = f"{UPLOADS}/{sent(admin, 'rows.csv', ROWS)}"
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(dies))
        for path in (f"{at}/look", f"{at}/look"):
            assert admin.get(path).json()["error"] == "rows.csv broke its reader"
        assert admin.post(f"{at}/take", json={"name": "other.csv"}).status_code == 201
        assert admin.get(f"{FILES}/other.csv/look").json()["error"] == "other.csv broke its reader"
    assert (tmp_path / "begun").read_text() == "\n", "one process for all who asked"
    assert [*temp.iterdir(), *(place.workspace.folder / "scratch").iterdir()] == []


def test_of_two_who_take_an_upload_at_once_one_does(admin: TestClient, place: Place) -> None:
    id = sent(admin, "rows.csv", ROWS)
    with ThreadPoolExecutor(4) as pool:
        names = [f"{n}.csv" for n in range(4)]
        done = list(pool.map(lambda name: admin.post(f"{UPLOADS}/{id}/take", json={"name": name}), names))
    assert sorted(one.status_code for one in done) == [201, 404, 404, 404], [one.text for one in done]
    [path] = data_of(place.workspace).iterdir()
    assert path.read_bytes() == ROWS


def test_the_bytes_of_a_file_are_counted_once(admin: TestClient, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    data_of(place.workspace).mkdir()
    path = data_of(place.workspace) / "rows.csv"
    path.write_bytes(ROWS)
    read, count = list[Path](), digest_of_file
    monkeypatch.setattr(folder, "digest_of_file", lambda path: read.append(path) or count(path))
    seen = [admin.get(f"{FILES}/rows.csv/look").json()["sha256"] for _ in range(3)]
    assert seen == [sha256(ROWS).hexdigest()] * 3 and read == [path]
    path.write_bytes(ROWS + ROWS[-30:])
    assert admin.get(f"{FILES}/rows.csv/look").json()["sha256"] == sha256(ROWS + ROWS[-30:]).hexdigest()
